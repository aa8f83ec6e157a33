// Keeps sessions in a hash map: adds, changes, looks up and removes.
#include "bpf.h"

struct session {
    u64 bytes;
    u32 packets;
    u32 flags;
};

struct {
    __uint(type, HASH);
    __uint(max_entries, 8);
    __type(key, u64);
    __type(value, struct session);
} sessions SEC(".maps");

struct request {
    u64 user;
    u32 bytes;
    u32 end;
};

SEC("prog/sessions") u64 handle(struct request *request, u64 length)
{
    if (length < sizeof(*request)) return -1;
    u64 user = request->user;
    if (request->end) return map_delete(&sessions, &user);
    struct session *found = map_lookup(&sessions, &user);
    if (found) {
        found->bytes += request->bytes;
        found->packets++;
        return found->packets;
    }
    struct session fresh = { .bytes = request->bytes, .packets = 1 };
    return map_update(&sessions, &user, &fresh, NOEXIST);
}
