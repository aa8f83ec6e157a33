// What programs in C need to know of the machine: maps as BTF describes them, and helpers by their numbers.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed int s32;
typedef signed long long s64;

#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]
#define __type(name, value) __typeof__(value) *name
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

struct dynptr {
    u64 opaque[2];
} __attribute__((aligned(8)));

enum { RINGBUF = 27, USER_RINGBUF = 31 };
static long (*dynptr_from_mem)(void *data, u32 size, u64 flags, struct dynptr *pointer) = (void *)197;
static long (*ringbuf_reserve_dynptr)(void *ring, u32 size, u64 flags, struct dynptr *pointer) = (void *)198;
static void (*ringbuf_submit_dynptr)(struct dynptr *pointer, u64 flags) = (void *)199;
static void (*ringbuf_discard_dynptr)(struct dynptr *pointer, u64 flags) = (void *)200;
static long (*dynptr_read)(void *target, u32 bytes, const struct dynptr *pointer, u32 offset, u64 flags) = (void *)201;
static long (*dynptr_write)(const struct dynptr *pointer, u32 offset, void *source, u32 bytes, u64 flags) = (void *)202;
static void *(*dynptr_data)(const struct dynptr *pointer, u32 offset, u32 bytes) = (void *)203;
static long (*user_ringbuf_drain)(void *ring, void *function, void *context, u64 flags) = (void *)209;
