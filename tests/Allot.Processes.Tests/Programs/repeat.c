// repeat COUNT COMMAND [ARG...]
//
// Runs a command COUNT times, one after the other, with its output thrown away, and times each run from fork to exit.
// Inside `allot run` this is the time of the command without the start of Allot. Ends with the first status that is not 0.
//
//   runs 20
//   run_ns mean 15300000 p50 15210000 max 18000000
//   parent_peak_bytes 48234496               the most memory that the parent (the supervisor) has had resident
#include "common.h"
#include <fcntl.h>
#include <sys/wait.h>

static int run(char **command)
{
    pid_t child = fork();
    if (child < 0) return 125;
    if (child == 0) {
        bound_life(120);
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null >= 0) {
            dup2(null, STDIN_FILENO);
            dup2(null, STDOUT_FILENO);
        }
        execvp(command[0], command);
        _exit(errno == ENOENT ? 127 : 126);
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return 125;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    long count = argc > 2 ? parse_number(argv[1]) : 0;
    if (count < 1 || count > 100000) fail_usage("repeat COUNT COMMAND [ARG...]");
    bound_life(300);
    int64_t *times = malloc((size_t)count * sizeof *times), sum = 0;
    if (times == NULL) return 2;
    for (long i = 0; i < count; i++) {
        int64_t start = now_ns();
        int status = run(&argv[2]);
        times[i] = now_ns() - start;
        sum += times[i];
        if (status != 0) return status;
    }
    qsort(times, (size_t)count, sizeof *times, compare);
    say("runs %ld", count);
    say("run_ns mean %lld p50 %lld max %lld", (long long)(sum / count), (long long)times[count / 2],
        (long long)times[count - 1]);
    say("parent_peak_bytes %ld", parent_peak_bytes());
    return 0;
}
