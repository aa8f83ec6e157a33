// idle-calls [SECONDS=2] [calls|compute] [PATH=/dev/null]
//
// The work of a program that makes no intercepted call: arithmetic, getppid, a small read and write, stat. Repeats for
// SECONDS (at most 10,000,000 rounds). Compared inside and outside a group it shows what an installed filter costs.
// With "compute" it makes no system call at all.
//
//   rounds 812345
//   ns_per_round 1234.5
//   cpu_ns_per_round 1230.1      of this thread alone: without the time it waited for a processor
#include "common.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static uint64_t compute(uint64_t x)
{
    for (int i = 0; i < 200; i++) x = x * 6364136223846793005u + 1442695040888963407u;
    return x;
}

static int64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 2;
    int calls = argc <= 2 || strcmp(argv[2], "compute") != 0;
    const char *path = argc > 3 ? argv[3] : "/dev/null";
    bound_life((unsigned)seconds + 30);
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (zero < 0 || null < 0) return 2;
    uint64_t x = 1;
    char buffer[64];
    struct stat status;
    long rounds = 0;
    int64_t cpu_start = cpu_ns(), start = now_ns(), end = start + (int64_t)(seconds * 1e9), now = start;
    while (rounds < 10000000 && now < end) {
        for (int i = 0; i < 100; i++) {
            x = compute(x);
            if (!calls) continue;
            x += (uint64_t)syscall(SYS_getppid);
            if (read(zero, buffer, sizeof buffer) != sizeof buffer) return 1;
            if (write(null, buffer, sizeof buffer) != sizeof buffer) return 1;
            if (stat(path, &status) != 0) return 1;
        }
        rounds += 100;
        now = now_ns();
    }
    say("rounds %ld", rounds);
    say("ns_per_round %.1f", (double)(now - start) / (double)rounds);
    say("cpu_ns_per_round %.1f", (double)(cpu_ns() - cpu_start) / (double)rounds);
    return x == 0;
}
