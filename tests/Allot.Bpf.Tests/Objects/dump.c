// Fills maps whose values have no key, or one for each processor.
#include "bpf.h"

enum { PERCPU_HASH = 5, QUEUE = 22, STACK = 23 };
static long (*map_push)(void *map, const void *value, u64 flags) = (void *)87;

struct {
    __uint(type, QUEUE);
    __uint(max_entries, 4);
    __type(value, u32);
} waiting SEC(".maps");

struct {
    __uint(type, STACK);
    __uint(max_entries, 4);
    __type(value, u32);
} undone SEC(".maps");

struct {
    __uint(type, PERCPU_ARRAY);
    __uint(max_entries, 2);
    __type(key, u32);
    __type(value, u64);
} runs SEC(".maps");

struct {
    __uint(type, PERCPU_HASH);
    __uint(max_entries, 2);
    __type(key, u32);
    __type(value, u64);
} names SEC(".maps");

SEC("prog/dump") u64 dump(u8 *memory, u64 length)
{
    for (u32 value = 1; value <= 3; value++) {
        map_push(&waiting, &value, ANY);
        map_push(&undone, &value, ANY);
    }

    u32 key = 1;
    u64 first = 9;
    u64 *count = map_lookup(&runs, &key);
    if (count) *count = 7;
    return map_update(&names, &key, &first, ANY);
}
