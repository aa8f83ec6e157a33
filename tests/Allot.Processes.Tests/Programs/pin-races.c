// pin-races CASE
//
// Ways to hold more locked or pinned memory than a group allows, each found by trying. Prints "held KIB", the most that
// one reading of VmLck or VmPin showed, or "succeeded COUNT" of calls that hold 512 KiB each until the end.
//
// hammer         32 threads lock and unlock 64 KiB each
// relock         a thread locks one range again and again, another unlocks it, four lock ranges of their own
// grow           a thread makes a mapping larger while another locks it
// leader-gone    the first thread ends, another locks 512 KiB four times
// orphans        four children register 512 KiB with rings that the parent keeps, and end at once
// exec-rings     registers 512 KiB, executes itself with the ring kept open, four times
// large-pages    registers 4 KiB of each of 16 large pages
// shared-memory  locks 600 KiB, then a process with the same memory locks 4 KiB: "child ok"
// spin           four threads in turn lock 300 KiB, unmap it and run on: "succeeded 4"
#include "common.h"
#include <fcntl.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

enum { KIB = 1024, HALF_MIB = 512 * KIB, SECONDS = 2 };

static char *base;
static atomic_bool stop;
static atomic_long succeeded;
static _Atomic(char *) small_mapping;

static void *map(size_t bytes)
{
    void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED) exit(2);
    return address;
}

static long status_kib(const char *key)
{
    char line[256];
    long kib = 0;
    FILE *status = fopen("/proc/thread-self/status", "re");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, key, strlen(key)) == 0) kib = atol(line + strlen(key));
    if (status != NULL) fclose(status);
    return kib;
}

static long watch(void)
{
    long most = 0;
    for (int64_t end = now_ns() + SECONDS * 1000000000ll; now_ns() < end;) {
        long now = status_kib("VmLck:");
        if (now > most) most = now;
    }
    stop = true;
    return most;
}

static void *hammer(void *argument)
{
    char *mine = base + (long)argument * 64 * KIB;
    while (!stop)
        if (mlock(mine, 64 * KIB) == 0) munlock(mine, 64 * KIB);
    return NULL;
}

static void *lock_again(void *unused)
{
    (void)unused;
    while (!stop) mlock(base, 1000 * KIB);
    return NULL;
}

static void *unlock_again(void *unused)
{
    (void)unused;
    while (!stop) {
        munlock(base, 1000 * KIB);
        sched_yield();
    }
    return NULL;
}

static void *lock_own(void *argument)
{
    char *mine = base + (1 + (long)argument) * 1000 * KIB;
    while (!stop)
        if (mlock(mine, 1000 * KIB) == 0) munlock(mine, 1000 * KIB);
    return NULL;
}

static void *grow(void *unused)
{
    (void)unused;
    while (!stop) {
        char *start = map(4096);
        small_mapping = start;
        char *grown = mremap(start, 4096, 8 * KIB * KIB, MREMAP_MAYMOVE);
        small_mapping = NULL;
        if (grown == MAP_FAILED) {
            munmap(start, 4096);
            continue;
        }
        if (status_kib("VmLck:") > 1024) succeeded++;
        munmap(grown, 8 * KIB * KIB);
    }
    return NULL;
}

static void *lock_small(void *unused)
{
    (void)unused;
    while (!stop) {
        char *start = small_mapping;
        if (start != NULL) mlock(start, 4096);
    }
    return NULL;
}

static void *lock_without_leader(void *unused)
{
    (void)unused;
    nap_us(200000);
    for (long i = 0; i < 4; i++) {
        mlock(base + i * HALF_MIB, HALF_MIB);
        nap_us(250000);   // long enough for a sample
    }
    say("held %ld", status_kib("VmLck:"));
    _exit(0);
}

static void *lock_and_run(void *unused)
{
    (void)unused;
    char *mine = map(300 * KIB);
    if (mlock(mine, 300 * KIB) == 0) succeeded++;
    munmap(mine, 300 * KIB);
    while (!stop) {}
    return NULL;
}

static int ring(void)
{
    struct io_uring_params parameters = { 0 };
    int fd = (int)syscall(__NR_io_uring_setup, 4, &parameters);
    if (fd >= 0) return fd;
    say("io_uring_setup %s", result_name(errno));
    exit(77);
}

static int register_buffer(int fd)
{
    struct iovec buffer = { base, HALF_MIB };
    return (int)syscall(__NR_io_uring_register, fd, IORING_REGISTER_BUFFERS, &buffer, 1);
}

static void orphans(void)
{
    memset(base, 1, HALF_MIB);
    for (int i = 0; i < 4; i++) {
        int fd = ring(), status;
        pid_t child = fork();
        if (child == 0) _exit(register_buffer(fd) == 0 ? 0 : 1);
        if (waitpid(child, &status, 0) == child && status == 0) succeeded++;
    }
}

static void exec_rings(char *program, const char *round)
{
    int done = atoi(round);
    char next[2] = { (char)('0' + done + 1), 0 };
    memset(base, 1, HALF_MIB);
    int fd = ring();
    fcntl(fd, F_SETFD, 0);
    say("register %s", result_name(register_buffer(fd) < 0 ? errno : 0));
    if (done < 3) execl(program, program, "exec-rings", next, NULL);
}

static void large_pages(void)
{
    enum { COUNT = 16 };
    const size_t large = 2 * KIB * KIB;
    struct iovec buffers[COUNT];
    uintptr_t start = ((uintptr_t)map((COUNT + 1) * large) + large - 1) / large * large;
    madvise((void *)start, COUNT * large, MADV_HUGEPAGE);
    memset((void *)start, 1, COUNT * large);
    for (int i = 0; i < COUNT; i++) buffers[i] = (struct iovec){ (char *)start + i * large, 4096 };
    syscall(__NR_io_uring_register, ring(), IORING_REGISTER_BUFFERS, buffers, COUNT);
    say("held %ld", status_kib("VmPin:"));
}

static int lock_in_same_memory(void *unused)
{
    (void)unused;
    say("child %s", result_name(mlock(base + 600 * KIB, 4096) < 0 ? errno : 0));
    return 0;
}

static pthread_t start(void *(*body)(void *), long argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, (void *)argument) != 0) exit(2);
    return thread;
}

int main(int count, char **arguments)
{
    const char *what = count > 1 ? arguments[1] : "";
    bound_life(20);
    base = map(5 * 1000 * KIB);
    if (strcmp(what, "hammer") == 0) {
        for (long i = 0; i < 32; i++) start(hammer, i);
        say("held %ld", watch());
    } else if (strcmp(what, "relock") == 0) {
        start(lock_again, 0);
        start(unlock_again, 0);
        for (long i = 0; i < 4; i++) start(lock_own, i);
        say("held %ld", watch());
    } else if (strcmp(what, "grow") == 0) {
        start(grow, 0);
        start(lock_small, 0);
        watch();
        say("succeeded %ld", (long)succeeded);
    } else if (strcmp(what, "leader-gone") == 0) {
        start(lock_without_leader, 0);
        pthread_exit(NULL);
    } else if (strcmp(what, "orphans") == 0) {
        orphans();
        say("succeeded %ld", (long)succeeded);
    } else if (strcmp(what, "exec-rings") == 0) {
        exec_rings(arguments[0], count > 2 ? arguments[2] : "0");
    } else if (strcmp(what, "large-pages") == 0) {
        large_pages();
    } else if (strcmp(what, "shared-memory") == 0) {
        char *stack = map(64 * KIB);
        mlock(base, 600 * KIB);
        pid_t child = clone(lock_in_same_memory, stack + 64 * KIB, CLONE_VM | SIGCHLD, NULL);
        waitpid(child, NULL, 0);
    } else if (strcmp(what, "spin") == 0) {
        for (int i = 0; i < 4; i++) {
            start(lock_and_run, 0);
            nap_us(50000);
        }
        nap_us(200000);
        say("succeeded %ld", (long)succeeded);
    } else {
        fail_usage("pin-races CASE");
    }
    _exit(0);
}
