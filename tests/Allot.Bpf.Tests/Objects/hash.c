// A checksum with 64-bit multiplication and rotation.
#include "bpf.h"

INLINE u64 rotate(u64 word, int count)
{
    return word << count | word >> (64 - count);
}

SEC("prog/hash") u64 hash(u64 *memory, u64 length)
{
    u64 state = 0x9e3779b97f4a7c15;
    if (length < 128) return 0;
    for (int index = 0; index < 16; index++) {
        state = rotate(state ^ memory[index], 23) * 0xff51afd7ed558ccdull;
    }
    return state ^ state >> 33;
}
