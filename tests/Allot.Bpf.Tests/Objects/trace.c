// Prints what it does.
#include "bpf.h"

SEC("prog/trace") u64 trace(u8 *memory, u64 length)
{
    static const char format[] = "length %d, twice %llu, hex %x";
    trace_printk(format, sizeof(format), length, 2 * length, length);
    return 0;
}
