// notify-loop [CALLS=20000] [SECONDS=30] [lock|pair]
//
// CALLS times mlock of one page, each call timed. "lock" locks the same page again and again; "pair" (the default) also
// unlocks it after each lock, outside the timed part, so that every mlock has something to do.
//
//   calls 20000 failed 0 ok
//   mlock_ns mean 5300 p50 5210 p99 6100 max 80000
#include "common.h"
#include <sys/mman.h>

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    long calls = argc > 1 ? parse_number(argv[1]) : 20000;
    long seconds = argc > 2 ? parse_number(argv[2]) : 30;
    int pair = argc <= 3 || strcmp(argv[3], "pair") == 0;
    if (calls < 1 || calls > 10000000) fail_usage("notify-loop [CALLS] [SECONDS] [lock|pair]");
    bound_life((unsigned)seconds + 30);
    int64_t deadline = now_ns() + seconds * 1000000000, sum = 0;
    int64_t *times = malloc((size_t)calls * sizeof *times);
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (times == NULL || page == MAP_FAILED) return 2;

    long count = 0, failed = 0;
    int error = 0;
    for (; count < calls && now_ns() < deadline; count++) {
        int64_t start = now_ns();
        int result = mlock(page, 4096);
        times[count] = now_ns() - start;
        sum += times[count];
        if (result != 0) {
            failed++;
            error = errno;
        }
        if (pair) munlock(page, 4096);
    }
    qsort(times, (size_t)count, sizeof *times, compare);
    say("calls %ld failed %ld %s", count, failed, result_name(error));
    say("mlock_ns mean %lld p50 %lld p99 %lld max %lld", (long long)(sum / count), (long long)times[count / 2],
        (long long)times[count * 99 / 100], (long long)times[count - 1]);
    return failed == 0 ? 0 : 1;
}
