// calls [--fill DIR] [--wait] NAME...      calls list
//
// Makes one call of each kind that costs the kernel memory, and prints its name with "ok" or the errno. Used to prove
// which calls are answered when a group is full, and with which error. NAME is a row of the table at the end of this
// file, or "all" (in the order of the table; execve comes last because it replaces the program).
//
// What a call needs (a file, an epoll descriptor, a queue...) is prepared before the group is filled:
//
//   --wait        prints "ready", then waits for a line (or the end) of input; a test fills the group meanwhile
//   --fill DIR    makes directories in each other under DIR until mkdir is refused, and again before every call, as the
//                 kernel may have found a page of room; prints "fill 1234 ENOMEM" or "fill 100000 ok". The last pages
//                 are filled with smaller things (event descriptors, then file locks) until these are refused too
//
//   mkdir ENOMEM
//   pipe ok
//
// Each call is undone when it succeeds. Needs no privilege; calls that do need one print EPERM without it.
#include "common.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

enum { ROUNDS_MAX = 100000, REST_MAX = 200 };

// Prepared before the group is full. Everything is relative to the work directory `work`.
static int work = -1, fill_directory = -1, file, epoll, inotify, fanotify, null_fd, uts;
static int listener, client, unconnected, pair[2], one_pipe[2];
static int message_queue, semaphores, segment;
static mqd_t posix_queue;
static char work_path[64];
static struct sockaddr_un listener_address;
static long fill_total;

static int result(long value) { return value < 0 ? errno : 0; }

// For calls that make a descriptor.
static int made(long fd)
{
    if (fd < 0) return errno;
    close((int)fd);
    return 0;
}

// For calls that make two.
static int made_two(int value, const int *fds)
{
    if (value < 0) return errno;
    close(fds[0]);
    close(fds[1]);
    return 0;
}

// For calls that make a name under the work directory.
static int made_name(long value, const char *name, int flags)
{
    if (value < 0) return errno;
    unlinkat(work, name, flags);
    return 0;
}

static int made_file(long fd, const char *name)
{
    int error = made(fd);
    if (error == 0) unlinkat(work, name, 0);
    return error;
}

// The absolute form, for calls without a directory descriptor.
static const char *in_work(const char *name)
{
    static char paths[2][128];
    static int next;
    next ^= 1;
    snprintf(paths[next], sizeof paths[next], "%s/%s", work_path, name);
    return paths[next];
}

// ---- directories, files and names ----

static int do_mkdir(void) { return made_name(mkdir(in_work("d"), 0755), "d", AT_REMOVEDIR); }
static int do_mkdirat(void) { return made_name(mkdirat(work, "d", 0755), "d", AT_REMOVEDIR); }
static int do_mknodat(void) { return made_name(mknodat(work, "n", S_IFIFO | 0600, 0), "n", 0); }
static int do_symlinkat(void) { return made_name(symlinkat("target", work, "l"), "l", 0); }
static int do_linkat(void) { return made_name(linkat(work, "file", work, "h", 0), "h", 0); }
static int do_openat_creat(void) { return made_file(openat(work, "f", O_RDWR | O_CREAT, 0600), "f"); }
static int do_openat_plain(void) { return made(openat(work, "file", O_RDONLY)); }
static int do_openat_tmpfile(void) { return made(openat(work, ".", O_RDWR | O_TMPFILE, 0600)); }

static int do_openat2(unsigned long long flags, const char *name)
{
    struct open_how how = { .flags = flags, .mode = flags & O_CREAT ? 0600 : 0 };
    long fd = syscall(SYS_openat2, work, name, &how, sizeof how);
    return flags & O_CREAT ? made_file(fd, name) : made(fd);
}

static int do_openat2_creat(void) { return do_openat2(O_RDWR | O_CREAT, "f"); }
static int do_openat2_plain(void) { return do_openat2(O_RDONLY, "file"); }

static int do_rename(void)
{
    if (renameat(work, "file", work, "renamed") != 0) return errno;
    return result(renameat(work, "renamed", work, "file"));
}

static int do_setxattr(void)
{
    char value[256] = "v";
    int error = result(fsetxattr(file, "user.allot", value, sizeof value, 0));
    if (error == EOPNOTSUPP) {   // tmpfs before 6.6 has only trusted and security attributes
        error = result(fsetxattr(file, "trusted.allot", value, sizeof value, 0));
        fremovexattr(file, "trusted.allot");
    }
    fremovexattr(file, "user.allot");
    return error;
}

#ifdef SYS_creat   // the calls that arm64 never had
static int do_open_creat(void) { return made_file(syscall(SYS_open, in_work("f"), O_RDWR | O_CREAT, 0600), "f"); }
static int do_open_plain(void) { return made(syscall(SYS_open, in_work("file"), O_RDONLY)); }
static int do_creat(void) { return made_file(syscall(SYS_creat, in_work("f"), 0600), "f"); }
static int do_mknod(void) { return made_name(syscall(SYS_mknod, in_work("n"), S_IFIFO | 0600, 0), "n", 0); }
static int do_symlink(void) { return made_name(syscall(SYS_symlink, "target", in_work("l")), "l", 0); }
static int do_link(void) { return made_name(syscall(SYS_link, in_work("file"), in_work("h")), "h", 0); }
static int do_pipe_old(void) { int fds[2]; return made_two((int)syscall(SYS_pipe, fds), fds); }
static int do_eventfd_old(void) { return made(syscall(SYS_eventfd, 0)); }
static int do_signalfd_old(void) { sigset_t set; sigemptyset(&set); return made(syscall(SYS_signalfd, -1, &set, 8)); }
static int do_epoll_create_old(void) { return made(syscall(SYS_epoll_create, 1)); }
static int do_inotify_init_old(void) { return made(syscall(SYS_inotify_init)); }
#endif

// ---- descriptors: pipes, sockets, events, timers ----

static int do_pipe2(void) { int fds[2]; return made_two(pipe2(fds, O_CLOEXEC), fds); }
static int do_socket(void) { return made(socket(AF_UNIX, SOCK_STREAM, 0)); }
static int do_socket_inet(void) { return made(socket(AF_INET, SOCK_DGRAM, 0)); }
static int do_socketpair(void) { int fds[2]; return made_two(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), fds); }
static int do_eventfd(void) { return made(eventfd(0, EFD_CLOEXEC)); }
static int do_epoll_create1(void) { return made(epoll_create1(EPOLL_CLOEXEC)); }
static int do_timerfd_create(void) { return made(timerfd_create(CLOCK_MONOTONIC, 0)); }
static int do_inotify_init1(void) { return made(inotify_init1(IN_CLOEXEC)); }
static int do_fanotify_init(void) { return made(fanotify_init(FAN_CLASS_NOTIF, O_RDONLY)); }
static int do_memfd_create(void) { return made(memfd_create("calls", MFD_CLOEXEC)); }
static int do_memfd_secret(void) { return made(syscall(447, 0)); }
static int do_userfaultfd(void) { return made(syscall(SYS_userfaultfd, O_CLOEXEC)); }
static int do_pidfd_open(void) { return made(syscall(SYS_pidfd_open, getpid(), 0)); }
static int do_dup(void) { return made(dup(null_fd)); }
static int do_dup3(void) { return made(dup3(null_fd, 900, O_CLOEXEC)); }
static int do_fcntl_dupfd(void) { return made(fcntl(null_fd, F_DUPFD_CLOEXEC, 500)); }

static int do_signalfd4(void)
{
    sigset_t set;
    sigemptyset(&set);
    return made(signalfd(-1, &set, SFD_CLOEXEC));
}

static int do_accept4(void)
{
    int error = made(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
    if (error != 0) return error;
    close(client);   // the next accept needs a new connection waiting
    client = socket(AF_UNIX, SOCK_STREAM, 0);
    connect(client, (void *)&listener_address, sizeof listener_address);
    return 0;
}

static int do_connect(void)
{
    int error = result(connect(unconnected, (void *)&listener_address, sizeof listener_address));
    if (error != 0) return error;
    close(unconnected);
    unconnected = socket(AF_UNIX, SOCK_STREAM, 0);
    return 0;
}

static int do_sendmsg(void)
{
    char byte[2048] = "x";
    int error = result(send(pair[0], byte, sizeof byte, MSG_DONTWAIT));
    if (error == 0) error = result(recv(pair[1], byte, sizeof byte, MSG_DONTWAIT));
    return error;
}

static int do_sendmsg_rights(void)
{
    char byte = 'x', space[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec vector = { &byte, 1 };
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &null_fd, sizeof(int));
    int error = result(sendmsg(pair[0], &message, MSG_DONTWAIT));
    if (error == 0) error = result(recv(pair[1], &byte, 1, MSG_DONTWAIT));   // the sent descriptor is dropped
    return error;
}

static int do_socket_filter(void)
{
    struct sock_filter accept_all = { BPF_RET | BPF_K, 0, 0, 0xffff };
    struct sock_fprog program = { 1, &accept_all };
    int error = result(setsockopt(pair[0], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
    setsockopt(pair[0], SOL_SOCKET, SO_DETACH_FILTER, &program, sizeof program);
    return error;
}

static int do_epoll_ctl(void)
{
    struct epoll_event event = { .events = EPOLLIN };
    int error = result(epoll_ctl(epoll, EPOLL_CTL_ADD, one_pipe[0], &event));
    epoll_ctl(epoll, EPOLL_CTL_DEL, one_pipe[0], &event);
    return error;
}

static int do_inotify_add_watch(void)
{
    int watch = inotify_add_watch(inotify, work_path, IN_CREATE);
    if (watch < 0) return errno;
    inotify_rm_watch(inotify, watch);
    return 0;
}

static int do_fanotify_mark(void)
{
    if (fanotify < 0) return EPERM;
    int error = result(fanotify_mark(fanotify, FAN_MARK_ADD, FAN_OPEN, work, "file"));
    if (error == 0) fanotify_mark(fanotify, FAN_MARK_REMOVE, FAN_OPEN, work, "file");
    return error;
}

static int do_timer_create(void)
{
    int timer;
    struct sigevent event = { .sigev_notify = SIGEV_NONE };
    if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) != 0) return errno;
    syscall(SYS_timer_delete, timer);
    return 0;
}

static int do_perf_event_open(void)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof attributes, .config = PERF_COUNT_SW_TASK_CLOCK, .exclude_kernel = 1
    };
    return made(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}

static int do_bpf_map(void)
{
    union bpf_attr attributes = {
        .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 16
    };
    return made(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes));
}

static int do_bpf_prog(void)
{
    // r0 = 0; exit
    static const struct bpf_insn program[] = {
        { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0 }, { .code = BPF_JMP | BPF_EXIT },
    };
    union bpf_attr attributes = {
        .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insns = (uintptr_t)program, .insn_cnt = 2,
        .license = (uintptr_t)"MIT"
    };
    return made(syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes));
}

static int do_io_uring_setup(void)
{
    struct io_uring_params parameters = { 0 };
    return made(syscall(SYS_io_uring_setup, 8, &parameters));
}

static int do_io_setup(void)
{
    aio_context_t context = 0;
    if (syscall(SYS_io_setup, 16, &context) != 0) return errno;
    syscall(SYS_io_destroy, context);
    return 0;
}

static int do_landlock(void)
{
    struct landlock_ruleset_attr attributes = { .handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE };
    return made(syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0));
}

// ---- locks, memory, queues, keys ----

static int do_setlk(int command)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 10 };
    int error = result(fcntl(file, command, &lock));
    lock.l_type = F_UNLCK;
    fcntl(file, command, &lock);
    return error;
}

static int do_fcntl_setlk(void) { return do_setlk(F_SETLK); }
static int do_fcntl_ofd_setlk(void) { return do_setlk(F_OFD_SETLK); }

static int do_fcntl_pipe_size(void)
{
    int before = fcntl(one_pipe[0], F_GETPIPE_SZ);
    int error = result(fcntl(one_pipe[0], F_SETPIPE_SZ, before * 2));
    fcntl(one_pipe[0], F_SETPIPE_SZ, before);
    return error;
}

static int do_flock(void)
{
    int error = result(flock(file, LOCK_EX | LOCK_NB));
    flock(file, LOCK_UN);
    return error;
}

static int do_mmap(void)
{
    void *address = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED) return errno;
    munmap(address, 4096);
    return 0;
}

static int do_msgget(void)
{
    int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    if (id < 0) return errno;
    msgctl(id, IPC_RMID, NULL);
    return 0;
}

static int do_msgsnd(void)
{
    struct { long type; char text[1000]; } message = { 1, "x" };
    int error = result(msgsnd(message_queue, &message, sizeof message.text, IPC_NOWAIT));
    if (error == 0) msgrcv(message_queue, &message, sizeof message.text, 0, IPC_NOWAIT);
    return error;
}

static int do_semget(void)
{
    int id = semget(IPC_PRIVATE, 10, IPC_CREAT | 0600);
    if (id < 0) return errno;
    semctl(id, 0, IPC_RMID);
    return 0;
}

static int do_semop_undo(void)
{
    struct sembuf operation = { 0, 1, SEM_UNDO };
    return result(semop(semaphores, &operation, 1));
}

static int do_shmget(void)
{
    int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    if (id < 0) return errno;
    shmctl(id, IPC_RMID, NULL);
    return 0;
}

static int do_shmat(void)
{
    void *address = shmat(segment, NULL, 0);
    if (address == (void *)-1) return errno;
    shmdt(address);
    return 0;
}

static int do_mq_open(void)
{
    char name[32];
    snprintf(name, sizeof name, "/calls-%d", getpid());
    mqd_t queue = mq_open(name, O_RDWR | O_CREAT, 0600, NULL);
    if (queue == (mqd_t)-1) return errno;
    mq_close(queue);
    mq_unlink(name);
    return 0;
}

static int do_mq_send(void)
{
    char text[64] = "x", buffer[65536];
    if (posix_queue == (mqd_t)-1) return ENOSYS;
    int error = result(mq_send(posix_queue, text, sizeof text, 0));
    if (error == 0) mq_receive(posix_queue, buffer, sizeof buffer, NULL);
    return error;
}

static int do_add_key(void)
{
    long key = syscall(SYS_add_key, "user", "allot-calls", "x", 1, -2 /* the process keyring */);
    if (key < 0) return errno;
    syscall(SYS_keyctl, 21 /* invalidate */, key);
    return 0;
}

static int do_keyctl_join(void) { return result(syscall(SYS_keyctl, 1 /* join session keyring */, "allot-calls")); }

// ---- processes, threads, namespaces, mounts ----

static int wait_for(long child) { return child < 0 ? errno : result(waitpid((pid_t)child, NULL, __WALL)); }

static int do_fork(void)
{
#ifdef SYS_fork
    long child = syscall(SYS_fork);
#else
    long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif
    if (child == 0) _exit(0);
    return wait_for(child);
}

static int do_vfork(void)
{
    pid_t child = vfork();
    if (child == 0) _exit(0);
    return wait_for(child);
}

static int do_clone_process(void)
{
    long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) _exit(0);
    return wait_for(child);
}

static int do_clone3(void)
{
    struct clone_args arguments = { .exit_signal = SIGCHLD };
    long child = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0) _exit(0);
    return wait_for(child);
}

static int thread_entry(void *unused)
{
    (void)unused;
    return 0;
}

// clone() itself with the flags of a thread; pthread_create may use clone3.
static int do_clone_thread(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    static int tid;
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
        CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    tid = -1;
    if (clone(thread_entry, stack + sizeof stack, flags, NULL, &tid, NULL, &tid) < 0) return errno;
    while (*(volatile int *)&tid != 0) nap_us(100);   // cleared by the kernel when the thread is gone
    return 0;
}

static void *pthread_entry(void *unused) { return unused; }

static int do_pthread_create(void)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, pthread_entry, NULL);
    if (error == 0) pthread_join(thread, NULL);
    return error;
}

static int do_unshare(void) { return result(unshare(CLONE_FS | CLONE_NEWUTS)); }
static int do_unshare_user(void) { return result(unshare(CLONE_NEWUSER)); }

static int do_setns(void) { return result(setns(uts, CLONE_NEWUTS)); }

static int do_mount(void)
{
    int error = result(mount("none", work_path, "tmpfs", 0, "size=64k"));
    if (error == 0) umount2(work_path, MNT_DETACH);
    return error;
}

static int do_fsopen(void) { return made(syscall(SYS_fsopen, "tmpfs", 1)); }
static int do_open_tree(void) { return made(syscall(SYS_open_tree, AT_FDCWD, work_path, 1 | O_CLOEXEC)); }

// Last but one: the filter stays for the rest of this process.
static int do_seccomp(void)
{
    struct sock_filter allow = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
    struct sock_fprog program = { 1, &allow };
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

static void clean(void);

// Last: the new image prints the line. What was prepared has to be removed before.
static int do_execve(void)
{
    char *arguments[] = { "calls", "--executed", "execve", NULL };
    execv("/proc/self/exe", arguments);
    return errno;
}

static const struct { const char *name; int (*make)(void); } table[] = {
    { "mkdir", do_mkdir }, { "mkdirat", do_mkdirat }, { "mknodat", do_mknodat }, { "symlinkat", do_symlinkat },
    { "linkat", do_linkat }, { "openat-creat", do_openat_creat }, { "openat-plain", do_openat_plain },
    { "openat-tmpfile", do_openat_tmpfile }, { "openat2-creat", do_openat2_creat },
    { "openat2-plain", do_openat2_plain }, { "rename", do_rename }, { "setxattr", do_setxattr },
#ifdef SYS_creat
    { "open-creat", do_open_creat }, { "open-plain", do_open_plain }, { "creat", do_creat },
    { "mknod", do_mknod }, { "symlink", do_symlink }, { "link", do_link },
    { "pipe", do_pipe_old }, { "eventfd", do_eventfd_old }, { "signalfd", do_signalfd_old },
    { "epoll_create", do_epoll_create_old }, { "inotify_init", do_inotify_init_old },
#endif
    { "pipe2", do_pipe2 }, { "socket", do_socket }, { "socket-inet", do_socket_inet }, { "socketpair", do_socketpair },
    { "accept4", do_accept4 }, { "connect", do_connect }, { "sendmsg", do_sendmsg },
    { "sendmsg-rights", do_sendmsg_rights }, { "setsockopt-filter", do_socket_filter }, { "eventfd2", do_eventfd },
    { "signalfd4", do_signalfd4 }, { "epoll_create1", do_epoll_create1 }, { "epoll_ctl", do_epoll_ctl },
    { "timerfd_create", do_timerfd_create }, { "timer_create", do_timer_create },
    { "inotify_init1", do_inotify_init1 }, { "inotify_add_watch", do_inotify_add_watch },
    { "fanotify_init", do_fanotify_init }, { "fanotify_mark", do_fanotify_mark }, { "memfd_create", do_memfd_create },
    { "memfd_secret", do_memfd_secret }, { "userfaultfd", do_userfaultfd }, { "pidfd_open", do_pidfd_open },
    { "dup", do_dup }, { "dup3", do_dup3 }, { "fcntl-dupfd", do_fcntl_dupfd },
    { "perf_event_open", do_perf_event_open }, { "bpf", do_bpf_map }, { "bpf-prog", do_bpf_prog },
    { "io_uring_setup", do_io_uring_setup }, { "io_setup", do_io_setup }, { "landlock_create_ruleset", do_landlock },
    { "fcntl-setlk", do_fcntl_setlk }, { "fcntl-ofd-setlk", do_fcntl_ofd_setlk },
    { "fcntl-setpipe_sz", do_fcntl_pipe_size }, { "flock", do_flock }, { "mmap", do_mmap }, { "msgget", do_msgget },
    { "msgsnd", do_msgsnd }, { "semget", do_semget }, { "semop-undo", do_semop_undo }, { "shmget", do_shmget },
    { "shmat", do_shmat }, { "mq_open", do_mq_open }, { "mq_send", do_mq_send }, { "add_key", do_add_key },
    { "keyctl-join", do_keyctl_join }, { "fork", do_fork }, { "vfork", do_vfork },
    { "clone-process", do_clone_process }, { "clone3", do_clone3 }, { "clone-thread", do_clone_thread },
    { "pthread_create", do_pthread_create }, { "unshare", do_unshare }, { "setns", do_setns },
    { "mount", do_mount }, { "fsopen", do_fsopen }, { "open_tree", do_open_tree },
    { "unshare-user", do_unshare_user },   // after the calls that need capabilities in the namespace of the start
    { "seccomp", do_seccomp }, { "execve", do_execve },
};

enum { CALLS = sizeof table / sizeof *table };

// ---- before and after ----

static void prepare(void)
{
    snprintf(work_path, sizeof work_path, "/tmp/calls-XXXXXX");
    if (mkdtemp(work_path) == NULL || (work = open(work_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
        perror("calls: a work directory in /tmp");
        exit(2);
    }
    file = openat(work, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    inotify = inotify_init1(IN_CLOEXEC);
    fanotify = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY);
    listener_address.sun_family = AF_UNIX;
    snprintf(listener_address.sun_path, sizeof listener_address.sun_path, "%s", in_work("socket"));
    uts = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unconnected = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    message_queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    semaphores = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
    segment = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    posix_queue = mq_open("/calls-prepared", O_RDWR | O_CREAT | O_NONBLOCK, 0600, NULL);
    if (posix_queue != (mqd_t)-1) mq_unlink("/calls-prepared");
    if (bind(listener, (void *)&listener_address, sizeof listener_address) != 0 || listen(listener, 16) != 0 ||
        connect(client, (void *)&listener_address, sizeof listener_address) != 0 ||
        socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) != 0 || pipe2(one_pipe, O_CLOEXEC) != 0) {
        perror("calls: prepare");
        exit(2);
    }
}

static void clean(void)
{
    msgctl(message_queue, IPC_RMID, NULL);
    semctl(semaphores, 0, IPC_RMID);
    shmctl(segment, IPC_RMID, NULL);
    unlink(in_work("socket"));
    unlink(in_work("file"));
    rmdir(work_path);
}

// Fills the group until mkdir is refused. The levels hold each other, so the kernel cannot take them back.
static int fill(void)
{
    for (; fill_total < ROUNDS_MAX; fill_total++) {
        if (mkdirat(fill_directory, "x", 0755) != 0) return errno;
        int below = openat(fill_directory, "x", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (below < 0) return errno;
        close(fill_directory);
        fill_directory = below;
    }
    return 0;
}

// Fills what is too little for a directory. Nothing here is given back before the end.
static void fill_the_rest(void)
{
    static long locks;
    for (int i = 0; i < REST_MAX && eventfd(0, EFD_CLOEXEC) >= 0; i++) { }
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
    for (int i = 0; i < REST_MAX; i++) {
        lock.l_start = 1000 + 2 * locks++;   // not side by side: each is an object of its own
        if (fcntl(file, F_OFD_SETLK, &lock) != 0) break;
    }
}

static void make(int index)
{
    if (fill_directory >= 0) {
        fill();
        fill_the_rest();
    }
    if (table[index].make == do_execve) clean();
    say("%s %s", table[index].name, result_name(table[index].make()));
}

static int index_of(const char *name)
{
    for (int i = 0; i < CALLS; i++)
        if (strcmp(table[i].name, name) == 0) return i;
    fprintf(stderr, "calls: no call '%s' ('calls list' prints the names)\n", name);
    exit(2);
}

int main(int argc, char **argv)
{
    static const char usage[] = "calls [--fill DIR] [--wait] NAME... | all | list";
    bound_life(120);
    if (argc == 3 && strcmp(argv[1], "--executed") == 0) {
        say("%s ok", argv[2]);
        return 0;
    }
    int wait_for_input = 0, position = 1;
    const char *fill_path = NULL;
    for (; position < argc && argv[position][0] == '-'; position++) {
        if (strcmp(argv[position], "--wait") == 0) wait_for_input = 1;
        else if (strcmp(argv[position], "--fill") == 0 && position + 1 < argc) fill_path = argv[++position];
        else fail_usage(usage);
    }
    if (position == argc) fail_usage(usage);
    if (strcmp(argv[position], "list") == 0) {
        for (int i = 0; i < CALLS; i++) say("%s", table[i].name);
        return 0;
    }
    prepare();
    if (wait_for_input) {
        char byte;
        say("ready");
        while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n') { }
    }
    if (fill_path != NULL) {
        fill_directory = open(fill_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fill_directory < 0) {
            perror(fill_path);
            return 2;
        }
        int error = fill();
        say("fill %ld %s", fill_total, result_name(error));
    }
    for (; position < argc; position++) {
        if (strcmp(argv[position], "all") == 0)
            for (int i = 0; i < CALLS; i++) make(i);
        else
            make(index_of(argv[position]));
    }
    clean();
    return 0;
}
