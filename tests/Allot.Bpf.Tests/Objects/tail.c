// Two programs, of which the first goes on with the second.
#include "bpf.h"

struct {
    __uint(type, PROG_ARRAY);
    __uint(max_entries, 4);
    __uint(key_size, 4);
    __uint(value_size, 4);
} programs SEC(".maps");

SEC("prog/first") u64 first(u8 *memory, u64 length)
{
    tail_call(memory, &programs, 1);
    return 5;
}

SEC("prog/second") u64 second(u8 *memory, u64 length)
{
    return 100 + length;
}
