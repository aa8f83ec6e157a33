// Counts how often each byte value occurs, in an array.
#include "bpf.h"

struct {
    __uint(type, ARRAY);
    __uint(max_entries, 256);
    __type(key, u32);
    __type(value, u64);
} counts SEC(".maps");

SEC("prog/count") u64 count(u8 *memory, u64 length)
{
    if (length < 16) return 0;
    u64 different = 0;
    for (int index = 0; index < 16; index++) {
        u32 key = memory[index];
        u64 *value = map_lookup(&counts, &key);
        if (!value) continue;
        if (*value == 0) different++;
        __sync_fetch_and_add(value, 1);
    }
    return different;
}
