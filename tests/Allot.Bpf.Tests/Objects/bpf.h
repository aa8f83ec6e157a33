// What programs in C need to know of the machine: maps as BTF describes them, and helpers by their numbers.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed int s32;
typedef signed long long s64;

#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]
#define __type(name, value) value *name
#define __array(name, value) __typeof__(value) *name[]
#define INLINE static __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))

enum { HASH = 1, ARRAY = 2, PROG_ARRAY = 3, PERCPU_ARRAY = 6, LRU_HASH = 9, ARRAY_OF_MAPS = 12, HASH_OF_MAPS = 13, BLOOM_FILTER = 30 };
enum { ANY, NOEXIST, EXIST };

static void *(*map_lookup)(void *map, const void *key) = (void *)1;
static long (*map_update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*map_delete)(void *map, const void *key) = (void *)3;
static u64 (*ktime_get_ns)(void) = (void *)5;
static long (*trace_printk)(const char *format, u32 size, ...) = (void *)6;
static long (*tail_call)(void *context, void *map, u32 index) = (void *)12;
static void *(*map_lookup_percpu)(void *map, const void *key, u32 cpu) = (void *)195;
static long (*for_each_map_elem)(void *map, void *function, void *context, u64 flags) = (void *)164;
static long (*loop)(u32 times, void *function, void *context, u64 flags) = (void *)181;
