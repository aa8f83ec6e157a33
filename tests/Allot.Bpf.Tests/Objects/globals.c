// Variables: zeroed, with a value, and constant.
#include "bpf.h"

u64 calls;
u32 step = 3;
const volatile u32 table[4] = { 10, 20, 30, 40 };

SEC("prog/globals") u64 globals(u8 *memory, u64 length)
{
    calls++;
    step += 2;
    return calls * 1000 + step + table[calls & 3];
}
