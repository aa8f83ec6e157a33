// mkdir-loop DIR [ROUNDS=100000] [EXTRA=0] [SECONDS=60]
//
// Goes into DIR and repeats mkdir("x"), chdir("x") with its own system calls: every round costs the kernel a dentry and
// an inode that cannot be reclaimed, because the level below holds it. Stops at the first refused mkdir, after ROUNDS,
// or after SECONDS. With EXTRA > 0, that many further attempts are made after the first refusal.
//
//   mkdir 123 ENOMEM              123 rounds were done, the next mkdir was refused (also on stderr, with strerror)
//   mkdir 100000 ok               all rounds were done
//   mkdir 4711 deadline           the time was over first
//   extra 50 ok 2 refused 48 ENOMEM     of 50 further attempts; the last errno seen
//
// Exit: 0 all rounds, 1 refused, 2 usage, 3 deadline.
#include "common.h"
#include <sys/stat.h>

int main(int argc, char **argv)
{
    if (argc < 2) fail_usage("mkdir-loop DIR [ROUNDS] [EXTRA] [SECONDS]");
    long rounds = argc > 2 ? parse_number(argv[2]) : 100000;
    long extra = argc > 3 ? parse_number(argv[3]) : 0;
    long seconds = argc > 4 ? parse_number(argv[4]) : 60;
    bound_life((unsigned)seconds + 30);
    int64_t deadline = now_ns() + seconds * 1000000000;

    if (chdir(argv[1]) != 0) {
        say("chdir 0 %s", result_name(errno));
        return 2;
    }
    long done = 0;
    int error = 0;
    for (; done < rounds && now_ns() < deadline; done++) {
        if (mkdir("x", 0755) != 0) {
            error = errno;
            break;
        }
        if (chdir("x") != 0) {
            say("chdir %ld %s", done, result_name(errno));
            return 1;
        }
    }
    if (error == 0) {
        say("mkdir %ld %s", done, done == rounds ? "ok" : "deadline");
        return done == rounds ? 0 : 3;
    }
    fprintf(stderr, "mkdir: %s\n", strerror(error));
    say("mkdir %ld %s", done, result_name(error));

    // The refused one is not repeated for ever: a program that ignores errors must not get further either.
    long ok = 0, refused = 0;
    for (long i = 0; i < extra && now_ns() < deadline; i++) {
        if (mkdir("x", 0755) == 0) {
            ok++;
            if (chdir("x") != 0) break;
        } else {
            refused++;
            error = errno;
        }
    }
    if (extra > 0) say("extra %ld ok %ld refused %ld %s", extra, ok, refused, result_name(error));
    return 1;
}
