// Sorts 16 numbers on the stack.
#include "bpf.h"

SEC("prog/sort") u64 sort(u32 *memory, u64 length)
{
    u32 numbers[16];
    if (length < sizeof(numbers)) return 0;
    for (int index = 0; index < 16; index++) numbers[index] = memory[index];
    for (int round = 0; round < 15; round++) {
#pragma clang loop unroll(full)
        for (int index = 0; index < 15; index++) {
            u32 low = numbers[index], high = numbers[index + 1];
            numbers[index] = low < high ? low : high;
            numbers[index + 1] = low < high ? high : low;
        }
    }
    for (int index = 0; index < 16; index++) memory[index] = numbers[index];
    return numbers[0];
}
