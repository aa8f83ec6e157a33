// Parses a header the way network programs do: with the end of the memory.
#include "bpf.h"

struct ethernet {
    u8 target[6];
    u8 source[6];
    u16 type;
};

struct ip {
    u8 version_and_length;
    u8 service;
    u16 total_length;
    u16 id;
    u16 fragment;
    u8 ttl;
    u8 protocol;
    u16 check;
    u32 source;
    u32 target;
};

SEC("prog/packet") u64 protocol(u8 *data, u64 length)
{
    u8 *end = data + length;
    struct ethernet *ethernet = (void *)data;
    if ((u8 *)(ethernet + 1) > end) return 1;
    if (ethernet->type != __builtin_bswap16(0x0800)) return 2;
    struct ip *ip = (void *)(ethernet + 1);
    if ((u8 *)(ip + 1) > end) return 3;
    return 1000 + ip->protocol * 1000 + __builtin_bswap32(ip->source) % 256;
}
