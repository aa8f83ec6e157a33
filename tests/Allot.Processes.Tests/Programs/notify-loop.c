// notify-loop [CALLS=20000] [SECONDS=30] [CALL=pair] [WARMUP=0] [THREADS=1]
//
// One system call again and again, each call timed. In every thread WARMUP calls come first; then CALLS are counted.
//
//   lock     mlock of one page, always the same
//   pair     mlock of one page; munlock after it, outside the timed part, so that every mlock has something to do
//   eventfd  eventfd; close after it, outside the timed part
//
//   calls 20000 failed 0 ok
//   first_ns mean 21000 max 900000           the first 100 calls of each thread, those of the warm-up included
//   call_ns mean 5300 p50 5210 p99 6100 max 80000
//   parent_peak_bytes 1703936                the most memory that the parent (the supervisor) has had resident
#include "common.h"
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#define FIRST_CALLS 100
#define THREADS_MAX 64

enum call { LOCK, PAIR, EVENTFD };

struct worker {
    pthread_t thread;
    char *page;
    int64_t *times;
    long done, failed, first_done;
    int64_t first_sum, first_max;
    int error;
};

static long calls, warm_up;
static int64_t deadline;
static enum call call;

static int parse_call(const char *name)
{
    static const char *const names[] = { "lock", "pair", "eventfd" };
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) return i;
    return -1;
}

static int make_call(struct worker *worker)
{
    return call == EVENTFD ? eventfd(0, EFD_CLOEXEC) : mlock(worker->page, 4096);
}

static void undo_call(struct worker *worker, int result)
{
    if (call == PAIR) munlock(worker->page, 4096);
    if (call == EVENTFD && result >= 0) close(result);
}

static void *loop(void *argument)
{
    struct worker *worker = argument;
    for (long i = 0; i < warm_up + calls && now_ns() < deadline; i++) {
        int64_t start = now_ns();
        int result = make_call(worker);
        int64_t time = now_ns() - start;
        if (result < 0) {
            worker->failed++;
            worker->error = errno;
        }
        undo_call(worker, result);
        if (i < FIRST_CALLS) {
            worker->first_done++;
            worker->first_sum += time;
            if (time > worker->first_max) worker->first_max = time;
        }
        if (i >= warm_up) worker->times[worker->done++] = time;
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int report(struct worker *workers, int count, int64_t *times)
{
    long done = 0, failed = 0, first_done = 0;
    int64_t sum = 0, first_sum = 0, first_max = 0;
    int error = 0;
    for (int i = 0; i < count; i++) {
        struct worker *worker = &workers[i];
        memmove(times + done, worker->times, (size_t)worker->done * sizeof *times);
        done += worker->done;
        failed += worker->failed;
        first_done += worker->first_done;
        first_sum += worker->first_sum;
        if (worker->first_max > first_max) first_max = worker->first_max;
        if (worker->error != 0) error = worker->error;
    }
    say("calls %ld failed %ld %s", done, failed, result_name(error));
    if (done == 0) return 1;   // the time was over before the warm-up was
    for (long i = 0; i < done; i++) sum += times[i];
    qsort(times, (size_t)done, sizeof *times, compare);
    say("first_ns mean %lld max %lld", (long long)(first_sum / first_done), (long long)first_max);
    say("call_ns mean %lld p50 %lld p99 %lld max %lld", (long long)(sum / done), (long long)times[done / 2],
        (long long)times[done * 99 / 100], (long long)times[done - 1]);
    say("parent_peak_bytes %ld", parent_peak_bytes());
    return failed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    calls = argc > 1 ? parse_number(argv[1]) : 20000;
    long seconds = argc > 2 ? parse_number(argv[2]) : 30;
    int which = parse_call(argc > 3 ? argv[3] : "pair");
    warm_up = argc > 4 ? parse_number(argv[4]) : 0;
    long threads = argc > 5 ? parse_number(argv[5]) : 1;
    if (calls < 1 || calls > 10000000 || warm_up < 0 || which < 0 || threads < 1 || threads > THREADS_MAX)
        fail_usage("notify-loop [CALLS] [SECONDS] [lock|pair|eventfd] [WARMUP] [THREADS]");
    call = (enum call)which;
    bound_life((unsigned)seconds + 30);
    deadline = now_ns() + seconds * 1000000000;

    struct worker workers[THREADS_MAX] = { 0 };
    int64_t *times = malloc((size_t)(calls * threads) * sizeof *times);
    char *pages = mmap(NULL, (size_t)threads * 4096, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (times == NULL || pages == MAP_FAILED) return 2;
    for (int i = 0; i < threads; i++) {
        workers[i].page = pages + (size_t)i * 4096;
        workers[i].times = times + i * calls;
    }
    for (int i = 1; i < threads; i++)
        if (pthread_create(&workers[i].thread, NULL, loop, &workers[i]) != 0) return 2;
    loop(&workers[0]);
    for (int i = 1; i < threads; i++) pthread_join(workers[i].thread, NULL);
    return report(workers, (int)threads, times);
}
