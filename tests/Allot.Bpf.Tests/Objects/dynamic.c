// Dynamic pointers: records of a length that only the run knows, parts of a value, records from the host.
#include "bpf.h"

struct {
    __uint(type, RINGBUF);
    __uint(max_entries, 4096);
} ring SEC(".maps");

struct {
    __uint(type, USER_RINGBUF);
    __uint(max_entries, 4096);
} requests SEC(".maps");

struct {
    __uint(type, ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, u8[64]);
} scratch SEC(".maps");

SEC("prog/record") u64 record(u8 *memory, u64 length)
{
    if (length < 4) return -1;
    struct dynptr pointer;
    u32 size = memory[0];
    s64 error = ringbuf_reserve_dynptr(&ring, size, 0, &pointer);
    if (error) {
        ringbuf_discard_dynptr(&pointer, 0);
        return error;
    }
    u64 word = 0x1122334455667788;
    error = dynptr_write(&pointer, memory[1], &word, sizeof word, 0);
    u8 *first = dynptr_data(&pointer, 0, 4);
    if (first) first[0] = memory[2];
    if (memory[3]) ringbuf_discard_dynptr(&pointer, 0);
    else ringbuf_submit_dynptr(&pointer, 0);
    return error;
}

SEC("prog/part") u64 part(u8 *memory, u64 length)
{
    if (length < 4) return -1;
    u32 zero = 0;
    u8 *value = map_lookup(&scratch, &zero);
    if (!value) return -2;
    struct dynptr pointer;
    if (dynptr_from_mem(value, 64, 0, &pointer)) return -3;
    u32 word = 0x01020304;
    s64 error = dynptr_write(&pointer, memory[0], &word, sizeof word, 0);
    if (error) return error;
    u32 read = 0;
    error = dynptr_read(&read, sizeof read, &pointer, memory[1], 0);
    return error ? error : read;
}

struct total {
    u64 records;
    u64 sum;
};

static long take(struct dynptr *pointer, struct total *total)
{
    u64 number = 0;
    if (dynptr_read(&number, sizeof number, pointer, 0, 0)) return 1;
    u8 *bytes = dynptr_data(pointer, 8, 1);
    if (bytes) number += bytes[0];
    total->records++;
    total->sum += number;
    return 0;
}

SEC("prog/drain") u64 drain(u8 *memory, u64 length)
{
    struct total total = {};
    s64 drained = user_ringbuf_drain(&requests, take, &total, 0);
    if (drained < 0) return drained;
    return total.sum * 10000 + total.records * 100 + drained;
}
