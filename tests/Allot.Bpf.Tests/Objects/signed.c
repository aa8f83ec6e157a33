// Signed arithmetic, shifts and comparisons of both widths.
#include "bpf.h"

struct numbers {
    s64 a;
    s64 b;
    s32 c;
    s32 d;
};

SEC("prog/signed") u64 compute(struct numbers *n, u64 length)
{
    if (length < sizeof(*n)) return 0;
    s64 result = (n->a >> 3) - (n->b << 2);
    if (n->c < n->d) result ^= (s64)n->c * n->d;
    if (n->a > n->b) result += (u32)n->c >> 4;
    if ((s32)n->a <= -1) result -= n->c >> 1;
    return result + (u64)n->a / ((u64)n->b | 1) + (u32)n->c % ((u32)n->d | 1);
}
