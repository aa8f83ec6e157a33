// idle-calls [SECONDS=2] [calls|tested|compute] [PATH=/dev/null]
//
// The work of a program that makes no intercepted call, repeated for SECONDS (at most 10,000,000 rounds). Compared inside
// and outside a group it shows what an installed filter costs.
//
//   calls     arithmetic, then getppid, a small read and write, and stat: a filter never looks at their arguments
//   tested    arithmetic, then open of an existing file and close: a filter looks at the flags of open
//   compute   arithmetic only, no system call
//
//   rounds 812345
//   ns_per_round 1234.5
//   cpu_ns_per_round 1230.1      of this thread alone: without the time it waited for a processor
//   parent_peak_bytes 1703936    the most memory that the parent (the supervisor) has had resident
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
    int calls = argc <= 2 || strcmp(argv[2], "calls") == 0, tested = !calls && strcmp(argv[2], "tested") == 0;
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
            if (tested) {
                int file = open(path, O_RDONLY | O_CLOEXEC);
                if (file < 0 || close(file) != 0) return 1;
            }
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
    say("parent_peak_bytes %ld", parent_peak_bytes());
    return x == 0;
}
