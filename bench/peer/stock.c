// Charging with a thread-local stock, in C: the peer that `charge` measures Allot's reserves against.
//
// A tree of counters with a limit on every level. A thread takes bytes from the tree in batches and spends them without
// touching shared memory, for up to 8 leaves at a time: a leaf has its place in the table, and whoever wants the place
// gives back what the one before had there. The least that such a design can do, and the least that it costs. What it
// lacks: nobody takes a stock back from another thread, so a charge can be refused while idle threads hold what it
// needs, and a thread that ends has to call drain() by itself.
//
// SPARE_BATCHES is how many batches a thread keeps before it gives one back. With 1 (the default) who hovers on the edge
// of a batch stays in the stock; with 0, the simple rule, each pair there walks the tree twice.
//
// The loops are here too, so that no call from outside is in what they measure. Every operation is a call that is not
// inlined, save in pairs_inlined().
//
// Build: gcc -std=gnu17 -O2 -Wall -Wextra -fPIC -shared -o stock.so stock.c
#include <stdatomic.h>
#include <stdlib.h>

#ifndef SPARE_BATCHES
#define SPARE_BATCHES 1
#endif
#define BATCH_BYTES (64L * 4096)
#define PLACES 8

struct counter {
    _Alignas(128) atomic_long used;      // alone in its cache lines: everything that charges writes it
    _Alignas(128) long max;
    struct counter *parent;
    unsigned long place;
};

struct stock {
    struct counter *leaf;
    long bytes;                          // 0 <= bytes < (SPARE_BATCHES + 1) * BATCH_BYTES between operations
};

// Not the model that shared libraries get by themselves, which is a call for each access.
static _Thread_local struct stock stocks[PLACES] __attribute__((tls_model("initial-exec")));

static void give_back(struct counter *leaf, long bytes)
{
    for (struct counter *level = leaf; level; level = level->parent) atomic_fetch_sub(&level->used, bytes);
}

static int take(struct counter *leaf, long bytes)
{
    for (struct counter *level = leaf; level; level = level->parent) {
        if (atomic_fetch_add(&level->used, bytes) + bytes <= level->max) continue;
        for (struct counter *undo = leaf; ; undo = undo->parent) {
            atomic_fetch_sub(&undo->used, bytes);
            if (undo == level) return 0;
        }
    }
    return 1;
}

static void own(struct stock *stock, struct counter *leaf)
{
    if (stock->bytes) give_back(stock->leaf, stock->bytes);
    stock->leaf = leaf;
    stock->bytes = 0;
}

static __attribute__((noinline)) int charge_after_refill(struct stock *stock, struct counter *leaf, long bytes)
{
    if (stock->leaf != leaf) own(stock, leaf);
    long batches = (bytes - stock->bytes + BATCH_BYTES - 1) / BATCH_BYTES * BATCH_BYTES;
    if (!take(leaf, batches)) return take(leaf, bytes);
    stock->bytes += batches - bytes;
    return 1;
}

static __attribute__((noinline)) void uncharge_and_drain(struct stock *stock, struct counter *leaf, long bytes)
{
    if (stock->leaf != leaf) own(stock, leaf);
    stock->bytes += bytes;
    if (stock->bytes < (SPARE_BATCHES + 1) * BATCH_BYTES) return;
    give_back(leaf, stock->bytes - SPARE_BATCHES * BATCH_BYTES);
    stock->bytes = SPARE_BATCHES * BATCH_BYTES;
}

static inline __attribute__((always_inline)) int charge_here(struct counter *leaf, long bytes)
{
    struct stock *stock = &stocks[leaf->place];
    if (__builtin_expect(stock->leaf != leaf || stock->bytes < bytes, 0)) return charge_after_refill(stock, leaf, bytes);
    stock->bytes -= bytes;
    return 1;
}

static inline __attribute__((always_inline)) void uncharge_here(struct counter *leaf, long bytes)
{
    struct stock *stock = &stocks[leaf->place];
    if (__builtin_expect(stock->leaf != leaf || stock->bytes + bytes >= (SPARE_BATCHES + 1) * BATCH_BYTES, 0)) {
        uncharge_and_drain(stock, leaf, bytes);
    } else {
        stock->bytes += bytes;
    }
}

// Protected: seen from outside, but what is called here is not looked up.
#define OPERATION __attribute__((noinline, visibility("protected")))

OPERATION int charge(struct counter *leaf, long bytes) { return charge_here(leaf, bytes); }

OPERATION void uncharge(struct counter *leaf, long bytes) { uncharge_here(leaf, bytes); }

// Gives back everything that the calling thread has in stock.
void drain(void)
{
    for (int i = 0; i < PLACES; i++) own(&stocks[i], NULL);
}

// Counters are made one after the other by one thread, and live as long as the process: a stock may name them.
struct counter *counter_new(struct counter *parent, long max)
{
    static unsigned long made;
    struct counter *counter = aligned_alloc(_Alignof(struct counter), sizeof(struct counter));
    if (!counter) abort();
    atomic_init(&counter->used, 0);
    counter->max = max;
    counter->parent = parent;
    counter->place = made++ % PLACES;
    return counter;
}

long counter_used(struct counter *counter) { return atomic_load(&counter->used); }

// Each loop returns how many charges were refused.

long pairs(struct counter *leaf, long count, long bytes)
{
    long refused = 0;
    for (long i = 0; i < count; i++) {
        refused += !charge(leaf, bytes);
        uncharge(leaf, bytes);
    }
    return refused;
}

long pairs_inlined(struct counter *leaf, long count, long bytes)
{
    long refused = 0;
    for (long i = 0; i < count; i++) {
        refused += !charge_here(leaf, bytes);
        atomic_signal_fence(memory_order_seq_cst);   // else both become nothing
        uncharge_here(leaf, bytes);
        atomic_signal_fence(memory_order_seq_cst);
    }
    return refused;
}

long pairs_in_turn(struct counter *const *leaves, long leaf_count, long count, long bytes)
{
    long refused = 0;
    for (long i = 0, next = 0; i < count; i++) {
        struct counter *leaf = leaves[next];
        if (++next == leaf_count) next = 0;
        refused += !charge(leaf, bytes);
        uncharge(leaf, bytes);
    }
    return refused;
}

long bursts(struct counter *leaf, long count, long size, long bytes)
{
    long refused = 0;
    for (long burst = 0; burst < count; burst++) {
        for (long i = 0; i < size; i++) refused += !charge(leaf, bytes);
        for (long i = 0; i < size; i++) uncharge(leaf, bytes);
    }
    return refused;
}
