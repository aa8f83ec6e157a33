// copies WHAT COUNT
//
// Calls whose cost in kernel memory is that of what they copy. Makes up to COUNT copies, stops at the first refusal, and
// prints "copies COUNT" and the error of the last ("ENOMEM", or "ok").
//
// mappings      fork, of a process with 3000 mappings
// unshared      unshare(CLONE_FILES) in a thread, of a table of descriptors up to the limit of open files
// cloned        clone with CLONE_VM and without CLONE_FILES, of the same table
// mounts        mount(MS_BIND | MS_REC), of a tree that doubles each time (in a mount namespace of its own)
// filters       setsockopt(SO_ATTACH_FILTER) of the longest program
// groups        setgroups of 65536 groups in a thread
// rings         BPF ring buffers of 1 MiB, which are exactly what they say
#include "common.h"
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { PAGE = 4096, STACK = 64 * 1024 };

static pid_t children[4096];
static int child_count;

static void *map(size_t bytes)
{
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void end_children(void)
{
    for (int i = 0; i < child_count; i++) kill(children[i], SIGKILL);
}

static long remember(pid_t child)
{
    if (child < 0) return -1;
    children[child_count++] = child;
    return 0;
}

static void make_mappings(int count)
{
    char *start = map((size_t)count * 2 * PAGE);
    for (long i = 0; i < count; i++) mprotect(start + i * 2 * PAGE, PAGE, PROT_READ);
}

static void make_descriptors(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    dup2(0, (int)(limit.rlim_cur > 1 << 20 ? 1 << 20 : limit.rlim_cur) - 1);
}

static int wait_forever(void *unused)
{
    (void)unused;
    for (;;) pause();
    return 0;
}

// ---- a thread that makes one call and stays ----

struct caller {
    long (*call)(void);
    _Atomic int error;   // -1 until it is known
};

static void *make_call(void *argument)
{
    struct caller *caller = argument;
    caller->error = caller->call() < 0 ? errno : 0;
    wait_forever(NULL);
    return NULL;
}

static long in_thread(long (*call)(void))
{
    struct caller *caller = calloc(1, sizeof *caller);
    pthread_attr_t attributes;
    pthread_t thread;
    caller->call = call;
    caller->error = -1;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    int error = pthread_create(&thread, &attributes, make_call, caller);
    while (error == 0 && caller->error < 0) nap_us(200);
    errno = error != 0 ? error : caller->error;
    return errno == 0 ? 0 : -1;
}

static long unshare_files(void) { return unshare(CLONE_FILES); }

static long set_groups(void)
{
    static gid_t groups[65536];
    for (unsigned i = 0; i < 65536; i++) groups[i] = i;
    return syscall(__NR_setgroups, 65536, groups);
}

static long attach_filter(void)
{
    static struct sock_filter instructions[4096];
    for (int i = 0; i < 4095; i++) instructions[i] = (struct sock_filter){ BPF_LD | BPF_W | BPF_IMM, 0, 0, 0 };
    instructions[4095] = (struct sock_filter){ BPF_RET | BPF_K, 0, 0, 1 };
    struct sock_fprog program = { 4096, instructions };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    return fd < 0 ? -1 : setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static long make_ring(void)
{
    union bpf_attr attributes = { 0 };
    attributes.map_type = BPF_MAP_TYPE_RINGBUF;
    attributes.max_entries = 1 << 20;
    return syscall(__NR_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes);
}

static long double_mounts(int round)
{
    char name[32];
    if (round == 0) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return -1;
        if (mount("none", "/mnt", "tmpfs", 0, NULL) < 0) return -1;
    }
    snprintf(name, sizeof name, "/mnt/%d", round);
    mkdir(name, 0700);
    return mount("/mnt", name, NULL, MS_BIND | MS_REC, NULL);
}

static long copy(const char *what, int round)
{
    if (strcmp(what, "mappings") == 0) {
        if (round == 0) make_mappings(3000);
        pid_t child = fork();
        if (child == 0) wait_forever(NULL);
        return remember(child);
    }
    if (strcmp(what, "unshared") == 0 || strcmp(what, "cloned") == 0) {
        if (round == 0) make_descriptors();
        if (what[0] == 'u') return in_thread(unshare_files);
        return remember(clone(wait_forever, (char *)map(STACK) + STACK, CLONE_VM | SIGCHLD, NULL));
    }
    if (strcmp(what, "mounts") == 0) return double_mounts(round);
    if (strcmp(what, "filters") == 0) return attach_filter();
    if (strcmp(what, "groups") == 0) return in_thread(set_groups);
    if (strcmp(what, "rings") == 0) return make_ring();
    fail_usage("copies WHAT COUNT");
}

int main(int count, char **arguments)
{
    if (count != 3) fail_usage("copies WHAT COUNT");
    bound_life(30);
    int wanted = atoi(arguments[2]), made = 0, error = 0;
    if (wanted > 4096) wanted = 4096;
    while (made < wanted && error == 0) {
        if (copy(arguments[1], made) < 0) error = errno;
        else made++;
    }
    say("copies %d %s", made, result_name(error));
    end_children();
    _exit(0);
}
