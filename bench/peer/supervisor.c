// supervisor [--intercept CALLS] [--read-status] [--no-sync] [--verbose] -- COMMAND [ARG...]
//
// The least a supervisor of seccomp notifications can do, in C: the peer that the round trip of `allot run` is measured
// against. Starts COMMAND with a filter that notifies of a few calls, receives the listener over a socket, and answers
// every notification with "continue". Exits with COMMAND's status (128 + signal).
//
//   --intercept     lock (the default: mlock, mlock2, munlock) or eventfd (eventfd2)
//   --read-status   reads VmLck of the caller from /proc/PID/status before each answer
//   --no-sync       without SYNC_WAKE_UP (which kernels before 6.6 do not have; it is then off anyway)
//   --verbose       says on stderr how many calls were answered, and whether wake-ups were synchronous
//
// Build: gcc -std=gnu17 -O2 -Wall -Wextra -pthread -o supervisor supervisor.c
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#define IOCTL_SET_FLAGS 0x40082104UL   // since 6.6; the argument is the flags themselves
#define FLAG_SYNC_WAKE_UP 1UL

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "x86-64 or arm64"
#endif

static const unsigned lock_calls[3] = { SYS_mlock, SYS_mlock2, SYS_munlock };
static const unsigned eventfd_calls[3] = { SYS_eventfd2, SYS_eventfd2, SYS_eventfd2 };

static const unsigned *intercepted = lock_calls;
static int listener;
static int read_status;
static atomic_long answered;

static void die(const char *what)
{
    perror(what);
    exit(125);
}

static int choose(const char *name)
{
    if (strcmp(name, "lock") != 0 && strcmp(name, "eventfd") != 0) return 0;
    intercepted = name[0] == 'l' ? lock_calls : eventfd_calls;
    return 1;
}

static int install_filter(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, intercepted[0], 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, intercepted[1], 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, intercepted[2], 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    };
    struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) die("no_new_privs");
    int fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
        SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
    if (fd < 0) die("seccomp");
    return fd;
}

// One byte and one descriptor.
static void send_descriptor(int channel, int fd)
{
    char byte = 0, space[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec vector = { &byte, 1 };
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    if (sendmsg(channel, &message, 0) != 1) die("sendmsg");
}

static int receive_descriptor(int channel)
{
    char byte, space[CMSG_SPACE(sizeof(int))];
    struct iovec vector = { &byte, 1 };
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space
    };
    if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != 1 || CMSG_FIRSTHDR(&message) == NULL) return -1;
    int fd;
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

// VmLck in bytes, -1 when the process has gone.
static long locked_bytes(int pid)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length <= 0) return -1;
    text[length] = '\0';
    const char *line = strstr(text, "\nVmLck:");
    return line == NULL ? -1 : atol(line + 7) * 1024;
}

static void *answer(void *unused)
{
    struct seccomp_notif_sizes sizes;
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0) die("notification sizes");
    struct seccomp_notif *request = calloc(1, sizes.seccomp_notif);
    struct seccomp_notif_resp *response = calloc(1, sizes.seccomp_notif_resp);
    long locked_max = 0;
    for (;;) {
        memset(request, 0, sizes.seccomp_notif);
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, request) != 0) {
            if (errno == EINTR || errno == ENOENT) continue;   // the caller was interrupted, or has gone
            return unused;
        }
        if (read_status) {
            long locked = locked_bytes((int)request->pid);
            if (locked > locked_max) locked_max = locked;
        }
        memset(response, 0, sizes.seccomp_notif_resp);
        response->id = request->id;
        response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, response) == 0)
            atomic_fetch_add_explicit(&answered, 1, memory_order_relaxed);
    }
}

int main(int argc, char **argv)
{
    int position = 1, synchronous = 1, verbose = 0;
    for (; position < argc && strcmp(argv[position], "--") != 0; position++) {
        if (strcmp(argv[position], "--read-status") == 0) read_status = 1;
        else if (strcmp(argv[position], "--no-sync") == 0) synchronous = 0;
        else if (strcmp(argv[position], "--verbose") == 0) verbose = 1;
        else if (strcmp(argv[position], "--intercept") == 0 && position + 1 < argc && choose(argv[position + 1])) position++;
        else break;
    }
    if (position >= argc - 1 || strcmp(argv[position], "--") != 0) {
        fprintf(stderr, "usage: supervisor [--intercept lock|eventfd] [--read-status] [--no-sync] [--verbose] "
            "-- COMMAND [ARG...]\n");
        return 125;
    }

    int channel[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) != 0) die("socketpair");
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        close(channel[0]);
        int fd = install_filter();
        send_descriptor(channel[1], fd);
        close(fd);
        close(channel[1]);
        execvp(argv[position + 1], &argv[position + 1]);
        int error = errno;
        perror(argv[position + 1]);
        _exit(error == ENOENT ? 127 : 126);
    }

    close(channel[1]);
    listener = receive_descriptor(channel[0]);
    if (listener >= 0) {
        if (synchronous) synchronous = ioctl(listener, IOCTL_SET_FLAGS, FLAG_SYNC_WAKE_UP) == 0;
        pthread_t thread;
        if (pthread_create(&thread, NULL, answer, NULL) != 0) die("pthread_create");
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) die("waitpid");
    if (verbose)
        fprintf(stderr, "answered %ld, wake-up %s\n", atomic_load(&answered), synchronous ? "synchronous" : "default");
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
