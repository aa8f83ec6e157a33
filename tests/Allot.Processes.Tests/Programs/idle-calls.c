// idle-calls [SECONDS=2] [PATH=/dev/null]
//
// The work of a program that makes no intercepted call: arithmetic, getppid, a small read and write, stat. Repeats for
// SECONDS (at most 10,000,000 rounds). Compared inside and outside a group it shows what an installed filter costs.
//
//   rounds 812345
//   ns_per_round 1234.5
#include "common.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static uint64_t compute(uint64_t x)
{
    for (int i = 0; i < 200; i++) x = x * 6364136223846793005u + 1442695040888963407u;
    return x;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 2;
    const char *path = argc > 2 ? argv[2] : "/dev/null";
    bound_life((unsigned)seconds + 30);
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (zero < 0 || null < 0) return 2;
    uint64_t x = 1;
    char buffer[64];
    struct stat status;
    long rounds = 0;
    int64_t start = now_ns(), end = start + (int64_t)(seconds * 1e9), now = start;
    while (rounds < 10000000 && now < end) {
        for (int i = 0; i < 100; i++) {
            x = compute(x);
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
    return x == 0;
}
