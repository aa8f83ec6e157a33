// extremes
//
// Makes the calls that a supervisor looks at with arguments no sane program has: lengths that wrap, counts beyond any
// limit, pointers to nowhere, commands that do not exist. Whatever they return, the program goes on; its last line says
// how many it made, so a supervisor that stumbles over one of them is seen at once:
//
//   made 4711
//   after ok       a pipe can still be made: whoever answers calls still does
//
// Nothing here can hold memory, except locks of this program's own pages: its address space is bounded.
#include "common.h"
#include <sys/sem.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/socket.h>

static const unsigned long values[] = {
    0, 1, 2, 15, 16, 4095, 4096, 4097, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 1ul << 40, (1ul << 46) - 1, 1ul << 46,
    (1ul << 46) + 1, 0x7ffffffff000, 0x7fffffffffffefff, 0x7ffffffffffff000, 0x7ffffffffffff001, 0x7fffffffffffffff,
    0x8000000000000000, 0xfffffffffffff000, 0xfffffffffffff001, 0xffffffffffffffff,
};

enum { VALUES = sizeof values / sizeof *values };

static long made;

static void make(long number, unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e)
{
    long result = syscall(number, a, b, c, d, e, 0);
    if (number == SYS_semget && result >= 0) semctl((int)result, 0, IPC_RMID);   // they outlive their maker
    made++;
}

int main(void)
{
    bound_life(20);
    struct rlimit small = { 1ul << 30, 1ul << 30 };
    setrlimit(RLIMIT_AS, &small);
    char *pages = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), unix_socket = socket(AF_UNIX, SOCK_STREAM, 0);
    unsigned long mine = (unsigned long)pages;
    for (int locked = 0; locked < 2; locked++) {   // once with nothing locked, once with a page: other ways to count
        if (locked) mlock(pages, 4096);
        for (int i = 0; i < VALUES; i++) {
            unsigned long v = values[i];
            for (int j = 0; j < VALUES; j++) {
                unsigned long w = values[j];
                make(SYS_mlock, v, w, 0, 0, 0);
                make(SYS_mlock2, v, w, 1, 0, 0);
                make(SYS_munlock, v, w, 0, 0, 0);
                if (v < w) make(SYS_mremap, mine, v, w, 0, 0);   // shrinking would take away what lies behind it
                if (v > 12) make(SYS_shmctl, v, w, mine, 0, 0);
                make(SYS_shmctl, v, 11, 0, 0, 0);
                make(SYS_io_uring_register, null, v, mine, w, 0);
                make(SYS_io_uring_register, null, v, w, 16, 0);
                make(SYS_setsockopt, unix_socket, 283, 4, v, w);
                make(SYS_semget, 0, v, 0, 0, 0);
                make(SYS_msgsnd, -1ul, mine, w, O_NONBLOCK, 0);
                make(SYS_fsetxattr, null, mine, mine, w, 0);
                make(SYS_add_key, mine, mine, mine, w, -2ul);
                make(SYS_bpf, 0, v, w, 0, 0);
                make(SYS_bpf, 5, v, w, 0, 0);
                make(SYS_clone3, v, w, 0, 0, 0);
            }
            ((unsigned long *)pages)[i % 64] = v;   // what is behind the pointers changes too
            make(SYS_mlock, mine, v, 0, 0, 0);
            make(SYS_mlock2, mine, 4096, v, 0, 0);
            if (v <= 4097 || v >= 0x7ffffffff000)   // what lies between could succeed, and be filled
                make(SYS_mmap, 0, v, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_NORESERVE, -1ul);
            make(SYS_ioctl, null, 0x3b71, v, 0, 0);
            make(SYS_ioctl, null, 0x3b71, mine, 0, 0);
            make(SYS_ioctl, null, 0x3b85, v, 0, 0);
            make(SYS_ioctl, null, 0x3b85, mine, 0, 0);
            make(SYS_io_setup, v, mine, 0, 0, 0);
            make(SYS_io_uring_setup, v, 8, 0, 0, 0);
            make(SYS_fcntl, unix_socket, 1031, v, 0, 0);
            make(SYS_epoll_ctl, v, 1, null, mine, 0);
        }
    }
    int fds[2];
    say("made %ld", made);
    say("after %s", result_name(pipe(fds) != 0 ? errno : 0));
    return 0;
}
