// Reads one byte more than it has asked for.
#include "bpf.h"

SEC("prog/unsafe") u64 unsafe(u8 *memory, u64 length)
{
    if (length < 8) return 0;
    return memory[8];
}
