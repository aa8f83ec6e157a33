// Functions that helpers call: loops, elements of maps.
#include "bpf.h"

struct {
    __uint(type, HASH);
    __uint(max_entries, 64);
    __type(key, u64);
    __type(value, u64);
} numbers SEC(".maps");

struct {
    __uint(type, ARRAY);
    __uint(max_entries, 8);
    __type(key, u32);
    __type(value, u64);
} squares SEC(".maps");

struct state {
    u64 sum;
    u32 last;
    u32 stop;
};

static long add(u32 index, struct state *state)
{
    state->sum += index;
    state->last = index;
    return index == state->stop;
}

static long square(u32 index, void *unused)
{
    u64 value = (u64)index * index;
    map_update(&squares, &index, &value, ANY);
    return 0;
}

static long inner(u32 index, u64 *sum)
{
    *sum += 1;
    return 0;
}

static long outer(u32 index, u64 *sum)
{
    loop(index, inner, sum, 0);
    return 0;
}

static long visit(void *map, const u64 *key, u64 *value, struct state *state)
{
    state->sum += *key * *value;
    *value = 0;
    if (*key & 1) map_delete(map, key);
    return 0;
}

static long fill(u32 index, u8 *memory)
{
    u64 key = index, value = 1;
    map_update(&numbers, &key, &value, ANY);
    return 0;
}

SEC("prog/loop") u64 loops(u8 *memory, u64 length)
{
    if (length < 2) return -1;
    struct state state = { .stop = memory[1] };
    s64 done = loop(memory[0], add, &state, 0);
    return state.sum * 1000000 + state.last * 1000 + done;
}

SEC("prog/squares") u64 all_squares(u8 *memory, u64 length)
{
    return loop(10, square, 0, 0);
}

SEC("prog/nested") u64 nested(u8 *memory, u64 length)
{
    u64 sum = 0;
    loop(10, outer, &sum, 0);
    return sum;
}

SEC("prog/elements") u64 elements(u8 *memory, u64 length)
{
    struct state state = {};
    loop(20, fill, 0, 0);
    s64 seen = for_each_map_elem(&numbers, visit, &state, 0);
    return state.sum * 1000 + seen;
}

SEC("prog/errors") u64 errors(u8 *memory, u64 length)
{
    s64 tooMany = loop((8 << 20) + 1, square, 0, 0);
    s64 flags = loop(1, square, 0, 1);
    return tooMany * 1000 + flags;
}
