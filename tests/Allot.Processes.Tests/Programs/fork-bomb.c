// fork-bomb [--total N=2000] [--seconds S=10] [--hold-ms MS=200] [--nap-us US=1000] [--spin] [--threads]
//
// Every process forks, the children too: the number doubles until the kernel or a supervisor refuses. Bounded twice:
// N attempts by all processes together, and S seconds. Then all processes stay alive for another MS milliseconds
// (waiting, or burning time with --spin) and end. A process whose fork is refused naps US microseconds and tries again.
//
// Nothing is left behind: children die with their parent (PR_SET_PDEATHSIG), have their own alarm, and the first
// process adopts orphans (subreaper) and waits for all of them before it reports:
//
//   forks ok 523             forks that succeeded
//   forks refused 1477       and how many with which errno, one line each:
//   refused EAGAIN 1477
//   alive max 524            most processes that were alive at once, the first one included
//   ended deadline|total     which bound ended it
//
// --threads: one process that starts threads until N attempts are made; the lines say "threads" instead of "forks".
#include "common.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define ERRNO_MAX 256

struct shared {
    atomic_long attempts, succeeded, alive, alive_max;
    atomic_long refused[ERRNO_MAX];
    atomic_int stop;
};

static struct shared *shared;
static long total = 2000, hold_ms = 200, nap = 1000;
static bool spin;
static int64_t deadline;

static void enter(void)
{
    long alive = atomic_fetch_add(&shared->alive, 1) + 1;
    long max = atomic_load(&shared->alive_max);
    while (alive > max && !atomic_compare_exchange_weak(&shared->alive_max, &max, alive)) { }
}

static void leave(void) { atomic_fetch_sub(&shared->alive, 1); }

static bool time_is_over(void) { return atomic_load(&shared->stop) || now_ns() >= deadline; }

static void count_refusal(int error)
{
    atomic_fetch_add(&shared->refused[error > 0 && error < ERRNO_MAX ? error : 0], 1);
    if (nap > 0) nap_us(nap);
}

static void stay_until_the_end(void)
{
    while (!time_is_over())
        if (!spin) nap_us(5000);
}

static void wait_for_children(void)
{
    while (wait(NULL) > 0 || errno == EINTR) { }
}

// Runs in every process. Returns in the first one only.
static void bomb(pid_t first)
{
    while (!time_is_over() && atomic_fetch_add(&shared->attempts, 1) < total) {
        pid_t parent = getpid();
        pid_t child = fork();
        if (child < 0) {
            count_refusal(errno);
        } else if (child > 0) {
            atomic_fetch_add(&shared->succeeded, 1);
        } else {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() != parent) _exit(0);
            bound_life((unsigned)((deadline - now_ns()) / 1000000000 + 5));
            enter();
        }
    }
    if (getpid() == first) return;
    stay_until_the_end();
    // A parent that went first would have its children killed, perhaps between a fork and its counting.
    wait_for_children();
    leave();
    _exit(0);
}

static void *thread_main(void *unused)
{
    enter();
    stay_until_the_end();
    leave();
    return unused;
}

static void thread_bomb(void)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 * 1024);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    while (!time_is_over() && atomic_fetch_add(&shared->attempts, 1) < total) {
        pthread_t thread;
        int error = pthread_create(&thread, &attributes, thread_main, NULL);
        if (error != 0) count_refusal(error);
        else atomic_fetch_add(&shared->succeeded, 1);
    }
}

static void report(const char *what)
{
    long refused = 0;
    for (int i = 0; i < ERRNO_MAX; i++) refused += atomic_load(&shared->refused[i]);
    say("%s ok %ld", what, atomic_load(&shared->succeeded));
    say("%s refused %ld", what, refused);
    for (int i = 0; i < ERRNO_MAX; i++) {
        long count = atomic_load(&shared->refused[i]);
        if (count > 0) say("refused %s %ld", result_name(i), count);
    }
    say("alive max %ld", atomic_load(&shared->alive_max));
}

int main(int argc, char **argv)
{
    static const char usage[] =
        "fork-bomb [--total N] [--seconds S] [--hold-ms MS] [--nap-us US] [--spin] [--threads]";
    long seconds = 10;
    bool threads = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--spin") == 0) spin = true;
        else if (strcmp(argv[i], "--threads") == 0) threads = true;
        else if (i + 1 == argc) fail_usage(usage);
        else if (strcmp(argv[i], "--total") == 0) total = parse_number(argv[++i]);
        else if (strcmp(argv[i], "--seconds") == 0) seconds = parse_number(argv[++i]);
        else if (strcmp(argv[i], "--hold-ms") == 0) hold_ms = parse_number(argv[++i]);
        else if (strcmp(argv[i], "--nap-us") == 0) nap = parse_number(argv[++i]);
        else fail_usage(usage);
    }
    bound_life((unsigned)seconds + 60);
    deadline = now_ns() + seconds * 1000000000;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return 2;
    prctl(PR_SET_CHILD_SUBREAPER, 1);

    enter();
    if (threads) thread_bomb();
    else bomb(getpid());
    // The first process leaves the loop when the attempts are used up or the time is over; the others are still alive.
    bool by_deadline = time_is_over();
    int64_t hold_end = now_ns() + hold_ms * 1000000;
    while (!time_is_over() && now_ns() < hold_end)
        if (!spin) nap_us(1000);
    atomic_store(&shared->stop, 1);
    leave();
    if (threads)
        while (atomic_load(&shared->alive) > 0) nap_us(1000);
    wait_for_children();

    report(threads ? "threads" : "forks");
    say("ended %s", by_deadline ? "deadline" : "total");
    return 0;
}
