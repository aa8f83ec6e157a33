// Maps as they were defined before BTF: five numbers each.
#include "bpf.h"

struct old_map {
    u32 type;
    u32 key_bytes;
    u32 value_bytes;
    u32 max_entries;
    u32 flags;
};

struct old_map ages SEC("maps") = { ARRAY, 4, 4, 2, 0 };
struct old_map users SEC("maps") = { HASH, 8, 8, 4, 0 };

SEC("prog/old") u64 old(u8 *memory, u64 length)
{
    u32 index = 1;
    u64 user = 77;
    u64 seven = 7;
    u32 *age = map_lookup(&ages, &index);
    u64 *known = map_lookup(&users, &user);
    if (!age) return 1;
    if (known) return *known + *age;
    map_update(&users, &user, &seven, ANY);
    *age += 5;
    return *age;
}
