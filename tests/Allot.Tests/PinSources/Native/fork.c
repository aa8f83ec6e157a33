// Forks, and tells what the child finds. It has come from a process with many threads: it makes system calls only.

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct found
{
    long locked_kib;            // when it was born
    long locked_again_kib;      // after it has locked
    int lock_error;
    int is_there;               // whether it has memory at the address
    unsigned char content[32];  // what it has there
};

static long locked_kib(void)
{
    char text[8192];
    int file = open("/proc/self/status", O_RDONLY);
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    if (length <= 0) return -1;
    text[length] = 0;
    char *line = strstr(text, "VmLck:");
    return line == NULL ? -1 : strtol(line + 6, NULL, 10);
}

static void look(void *address, size_t length, struct found *found)
{
    found->locked_kib = locked_kib();

    // The kernel reads the memory for us: where there is none it says so, and we live.
    int probe[2];
    if (pipe(probe) != 0) return;
    const ssize_t bytes = sizeof found->content;
    found->is_there = write(probe[1], address, bytes) == bytes && read(probe[0], found->content, bytes) == bytes;
    found->lock_error = mlock(address, length) == 0 ? 0 : errno;
    found->locked_again_kib = locked_kib();
}

struct future
{
    int lock_error;        // of mlockall(MCL_FUTURE)
    int too_large_error;   // of a mapping above the limit
    int fits_error;        // of one that fits
    long locked_kib;       // with it
};

static int map_error(size_t length)
{
    void *address = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return address == MAP_FAILED ? errno : 0;
}

static void lock_future(size_t too_large, size_t fits, struct future *found)
{
    found->lock_error = mlockall(MCL_FUTURE) == 0 ? 0 : errno;
    found->too_large_error = map_error(too_large);
    found->fits_error = map_error(fits);
    found->locked_kib = locked_kib();
}

// Reads what the child has written, and waits for its end.
static int receive(pid_t child, int answer[2], void *found, size_t bytes)
{
    close(answer[1]);
    ssize_t got = child < 0 ? -1 : read(answer[0], found, bytes);
    close(answer[0]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
    {
    }

    return got == (ssize_t)bytes ? 0 : -1;
}

int look_in_child(void *address, size_t length, struct found *found)
{
    int answer[2];
    if (pipe(answer) != 0) return -1;
    pid_t child = fork();
    if (child == 0)
    {
        struct found mine = {0};
        look(address, length, &mine);
        _exit(write(answer[1], &mine, sizeof mine) == sizeof mine ? 0 : 1);
    }

    return receive(child, answer, found, sizeof *found);
}

int lock_future_in_child(size_t too_large, size_t fits, struct future *found)
{
    int answer[2];
    if (pipe(answer) != 0) return -1;
    pid_t child = fork();
    if (child == 0)
    {
        struct future mine = {0};
        lock_future(too_large, fits, &mine);
        _exit(write(answer[1], &mine, sizeof mine) == sizeof mine ? 0 : 1);
    }

    return receive(child, answer, found, sizeof *found);
}
