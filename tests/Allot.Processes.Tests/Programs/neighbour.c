// neighbour [ROUNDS=1000] [SECONDS=30] [GAP_US=0]
//
// A well-behaved process beside a fork bomb: forks a child that exits at once, waits for it, naps GAP_US, ROUNDS times
// or for SECONDS. Its forks must all succeed whatever other groups do.
//
//   forks ok 1000
//   forks failed 0 ok        and the last errno
//   slowest 812 us           longest fork and wait
#include "common.h"
#include <sys/wait.h>

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? parse_number(argv[1]) : 1000;
    long seconds = argc > 2 ? parse_number(argv[2]) : 30;
    long gap = argc > 3 ? parse_number(argv[3]) : 0;
    bound_life((unsigned)seconds + 30);
    int64_t deadline = now_ns() + seconds * 1000000000, slowest = 0;
    long ok = 0, failed = 0;
    int error = 0;
    for (long i = 0; i < rounds && now_ns() < deadline; i++) {
        int64_t start = now_ns();
        pid_t child = fork();
        if (child == 0) _exit(0);
        if (child > 0 && waitpid(child, NULL, 0) == child) {
            ok++;
        } else {
            error = errno;
            failed++;
        }
        int64_t took = now_ns() - start;
        if (took > slowest) slowest = took;
        if (gap > 0) nap_us(gap);
    }
    say("forks ok %ld", ok);
    say("forks failed %ld %s", failed, result_name(error));
    say("slowest %lld us", (long long)(slowest / 1000));
    return failed == 0 ? 0 : 1;
}
