// Maps in maps, filled by the object; and a program in an array of programs.
#include "bpf.h"

struct inner {
    __uint(type, ARRAY);
    __uint(max_entries, 4);
    __type(key, u32);
    __type(value, u64);
};

struct inner first SEC(".maps");
struct inner second SEC(".maps");

struct {
    __uint(type, ARRAY_OF_MAPS);
    __uint(max_entries, 4);
    __type(key, u32);
    __array(values, struct inner);
} by_index SEC(".maps") = { .values = { [1] = &first, [2] = &second } };

struct {
    __uint(type, HASH_OF_MAPS);
    __uint(max_entries, 4);
    __type(key, u32);
    __array(values, struct inner);
} by_key SEC(".maps") = { .values = { [0] = &first } };

u64 other(u8 *memory, u64 length);

struct {
    __uint(type, PROG_ARRAY);
    __uint(max_entries, 4);
    __uint(key_size, 4);
    __array(values, u64(u8 *, u64));
} programs SEC(".maps") = { .values = { [3] = &other } };

struct {
    __uint(type, BLOOM_FILTER);
    __uint(max_entries, 100);
    __uint(map_extra, 3);
    __type(value, u64);
} seen SEC(".maps");

// Adds to an element of a map of a map; -1 when there is no such map, -2 when no such element.
NOINLINE s64 add(void *map, u32 key, u64 more)
{
    u64 *value = map_lookup(map, &key);
    return value ? __sync_fetch_and_add(value, more) + more : -2;
}

SEC("prog/nested") u64 nested(u8 *memory, u64 length)
{
    if (length < 8) return -3;
    u32 which = memory[0], key = memory[1], zero = 0;
    void *map = which == 9 ? map_lookup(&by_key, &zero) : map_lookup(&by_index, &which);
    if (!map) return -1;
    u64 value = memory[2];
    if (memory[3]) return map_update(map, &key, &value, ANY);
    return add(map, key, memory[2]);
}

SEC("prog/tail") u64 tail(u8 *memory, u64 length)
{
    tail_call(memory, &programs, 3);
    return 5;
}

SEC("prog/other") u64 other(u8 *memory, u64 length)
{
    return 100 + length;
}
