// Functions that are not inlined, in the section of the program and in .text.
#include "bpf.h"

__attribute__((noinline)) u64 square(u64 number)
{
    return number * number;
}

NOINLINE u64 sum_of_squares(u64 count)
{
    u64 total = 0;
    for (u64 number = 1; number <= count && number < 50; number++) total += square(number);
    return total;
}

SEC("prog/functions") u64 program(u8 *memory, u64 length)
{
    return sum_of_squares(10) * 1000 + sum_of_squares(3);
}
