// lock STEP...
//
// Does small steps with locked and pinned memory, in order, in one process, and prints one line per step: its name and
// "ok" or the errno ("mlock ENOMEM"). A failed step never ends the program: the next one runs. Steps are words with a
// fixed number of arguments; quoting several words as one argument is allowed. Sizes take K, M, G. Names stand for
// mappings, segments and descriptors. Lines of a forked child start with "> ", of its child with "> > ".
//
// Memory          map A SIZE (private and anonymous, untouched)
//                 touch A | touch-part A OFF LEN | munmap A | munmap-part A OFF LEN | mmap-locked A SIZE
//                 mmap-locked-droppable A SIZE (MAP_DROPPABLE, which may not be locked: EINVAL)
//                 mremap A NEW (may move) | brk SIZE (grow the heap by SIZE) | stack SIZE (touch that much stack)
//                 protect A OFF LEN (read only: splits the mapping) | huge A (asks for huge pages; before it is touched)
// Locks           mlock A OFF LEN | mlock2 A OFF LEN | mlock2-onfault A OFF LEN | munlock A OFF LEN
//                 mlockall current|future|onfault, joined with '+' | munlockall
// SysV segments   shm-make S SIZE | shm-attach S | shm-detach S | shm-lock S | shm-lock S:SIZE (makes it first)
//                 shm-unlock S | shm-rm S     (what was made is removed at exit, by SIGTERM too)
// io_uring        uring-setup R ENTRIES | uring-register R A OFF LEN | uring-register-twice R A OFF LEN (two iovecs)
//                 uring-register2 R A OFF LEN | uring-update R A OFF LEN | uring-pbuf-ring R A ENTRIES
//                 uring-clone R2 R | uring-unregister R | close R
// Other pins      secret A SIZE (memfd_secret, mapped) | zerocopy LEN (TCP over loopback) | perf-map PAGES
//                 vfio-map A LEN | iommufd-map A LEN (the real ioctls on /dev/null: ENOTTY) | xdp-umem A LEN
// Processes       fork-and STEP... end (waits for the child) | fork-bg STEP... end | wait-children
//                 thread-and STEP... end (in another thread, joined) | exec-self STEP... (the rest of the line)
//                 repeat N STEP... end
// Limits          rlimit-memlock SIZE|unlimited | drop-caps (CAP_IPC_LOCK, from every set) | setuid UID
// Time            hold SECONDS | wait-stdin (until a line or the end of input) | spin MS | deadline SECONDS
//                 itimer USEC (signals with SA_RESTART; 0 stops) | itimer-norestart USEC
// Observing       status (VmLck and VmPin of this process in kB) | signals (received so far) | say WORD | pid
//
// The whole life is bounded by 60 seconds, or by the step "deadline".
#include "common.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_xdp.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>

#ifndef __NR_memfd_secret
#define __NR_memfd_secret 447
#endif
#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 8
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif

enum { NAMES_MAX = 64, TOKENS_MAX = 4096, CAP_IPC_LOCK_BIT = 14 };

// One named thing: a mapping (address, bytes), a segment (id, owner) or a descriptor.
struct thing {
    char name[32];
    char *address;
    size_t bytes;
    int fd, shm_id;
    pid_t shm_owner;
};

static struct thing things[NAMES_MAX];
static char *tokens[TOKENS_MAX];
static int token_count;
static int depth;
static atomic_long signals_received;

static void run(int position, int end);

static void tell(const char *step, long error)
{
    char prefix[32] = "";
    for (int i = 0; i < depth && i < 15; i++) strcat(prefix, "> ");
    say("%s%s %s", prefix, step, result_name(error));
}

static long error_of(long result) { return result < 0 ? errno : 0; }

static struct thing *find(const char *name)
{
    for (int i = 0; i < NAMES_MAX; i++) {
        if (things[i].name[0] != '\0' && strcmp(things[i].name, name) == 0) return &things[i];
        if (things[i].name[0] != '\0') continue;
        snprintf(things[i].name, sizeof things[i].name, "%s", name);
        things[i].fd = things[i].shm_id = -1;
        return &things[i];
    }
    fprintf(stderr, "too many names\n");
    exit(2);
}

// ---- memory ----

static long map_step(const char *name, size_t bytes, int flags)
{
    void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);
    if (address == MAP_FAILED) return errno;
    struct thing *thing = find(name);
    thing->address = address;
    thing->bytes = bytes;
    return 0;
}

static void touch(char *start, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 4096) ((volatile char *)start)[i] = 1;
}

static long remap_step(struct thing *thing, size_t bytes)
{
    void *address = mremap(thing->address, thing->bytes, bytes, MREMAP_MAYMOVE);
    if (address == MAP_FAILED) return errno;
    thing->address = address;
    thing->bytes = bytes;
    return 0;
}

static __attribute__((noinline)) long grow_stack(size_t bytes)
{
    char *space = __builtin_alloca(bytes);
    for (size_t i = bytes; i >= 4096; i -= 4096) ((volatile char *)space)[i - 1] = 1;
    return 0;
}

static long parse_mlockall(char *text)
{
    long flags = 0;
    char *state = NULL;
    for (char *word = strtok_r(text, "+", &state); word != NULL; word = strtok_r(NULL, "+", &state)) {
        if (strcmp(word, "current") == 0) flags |= MCL_CURRENT;
        else if (strcmp(word, "future") == 0) flags |= MCL_FUTURE;
        else if (strcmp(word, "onfault") == 0) flags |= MCL_ONFAULT;
        else flags |= parse_number(word);
    }
    return flags;
}

// ---- SysV segments: removed at exit by the process that made them ----

static void remove_segments(void)
{
    for (int i = 0; i < NAMES_MAX; i++)
        if (things[i].shm_owner == getpid() && things[i].shm_id >= 0) shmctl(things[i].shm_id, IPC_RMID, NULL);
}

static void on_term(int number)
{
    remove_segments();
    signal(number, SIG_DFL);
    raise(number);
}

static long shm_make(struct thing *thing, size_t bytes)
{
    thing->shm_id = shmget(IPC_PRIVATE, bytes, IPC_CREAT | 0600);
    thing->shm_owner = getpid();
    return error_of(thing->shm_id);
}

static long shm_lock_step(const char *spec)
{
    char name[64];
    snprintf(name, sizeof name, "%s", spec);
    char *size = strchr(name, ':');
    if (size != NULL) *size++ = '\0';
    struct thing *thing = find(name);
    if (thing->shm_id < 0) {
        long error = shm_make(thing, size == NULL ? 4096 : parse_size(size));
        if (error != 0) {
            tell("shm-make", error);
            return error;
        }
    }
    return error_of(shmctl(thing->shm_id, SHM_LOCK, NULL));
}

static long shm_attach_step(struct thing *thing)
{
    void *address = shmat(thing->shm_id, NULL, 0);
    if (address == (void *)-1) return errno;
    struct shmid_ds info;
    shmctl(thing->shm_id, IPC_STAT, &info);
    thing->address = address;
    thing->bytes = info.shm_segsz;
    return 0;
}

static long shm_remove_step(struct thing *thing)
{
    long error = error_of(shmctl(thing->shm_id, IPC_RMID, NULL));
    if (error == 0) thing->shm_id = -1;
    return error;
}

// ---- io_uring by its raw calls ----

static long uring_call(int fd, unsigned opcode, void *argument, unsigned count)
{
    return error_of(syscall(__NR_io_uring_register, fd, opcode, argument, count));
}

static long uring_setup_step(struct thing *thing, unsigned entries)
{
    struct io_uring_params parameters = { 0 };
    thing->fd = (int)syscall(__NR_io_uring_setup, entries, &parameters);
    return error_of(thing->fd);
}

static long uring_register_step(const char *step, char **a)
{
    int fd = find(a[0])->fd;
    struct thing *memory = find(a[1]);
    struct iovec vector = { memory->address + parse_size(a[2]), parse_size(a[3]) };
    struct iovec twice[2] = { vector, vector };
    if (strcmp(step, "uring-register") == 0) return uring_call(fd, IORING_REGISTER_BUFFERS, &vector, 1);
    if (strcmp(step, "uring-register-twice") == 0) return uring_call(fd, IORING_REGISTER_BUFFERS, twice, 2);
    if (strcmp(step, "uring-register2") == 0) {
        struct io_uring_rsrc_register request = { .nr = 1, .data = (uintptr_t)&vector };
        return uring_call(fd, IORING_REGISTER_BUFFERS2, &request, sizeof request);
    }
    struct io_uring_rsrc_update2 update = { .offset = 0, .data = (uintptr_t)&vector, .nr = 1 };
    return uring_call(fd, IORING_REGISTER_BUFFERS_UPDATE, &update, sizeof update);
}

static long uring_pbuf_step(int fd, struct thing *memory, unsigned entries)
{
    struct { uint64_t ring_addr; uint32_t ring_entries; uint16_t bgid, flags; uint64_t resv[3]; } request = {
        .ring_addr = (uintptr_t)memory->address, .ring_entries = entries
    };
    return uring_call(fd, 22, &request, 1);
}

static long uring_clone_step(int target, int source)
{
    struct { uint32_t src_fd, flags, src_off, dst_off, nr, pad[3]; } request = { .src_fd = (uint32_t)source };
    return uring_call(target, 30, &request, 1);
}

// ---- other ways to pin ----

static long secret_step(const char *name, size_t bytes)
{
    int fd = (int)syscall(__NR_memfd_secret, 0);
    if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0) return errno;
    void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (address == MAP_FAILED) {
        int error = errno;
        close(fd);
        return error;
    }
    struct thing *thing = find(name);
    thing->address = address;
    thing->bytes = bytes;
    thing->fd = fd;
    return 0;
}

static long zerocopy_step(size_t bytes)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), sender = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    char *buffer = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    long error = 0;
    if (buffer == MAP_FAILED || bind(listener, (void *)&address, sizeof address) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (void *)&address, &length) != 0 ||
        connect(sender, (void *)&address, sizeof address) != 0 ||
        setsockopt(sender, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof one) != 0 ||
        send(sender, buffer, bytes, MSG_ZEROCOPY | MSG_DONTWAIT) < 0)
        error = errno;
    close(sender);
    close(listener);
    munmap(buffer, bytes);
    return error;
}

static long perf_step(size_t pages)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof attributes, .config = PERF_COUNT_SW_TASK_CLOCK, .exclude_kernel = 1
    };
    int fd = (int)syscall(__NR_perf_event_open, &attributes, 0, -1, -1, 0);
    if (fd < 0) return errno;
    void *ring = mmap(NULL, (1 + pages) * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return ring == MAP_FAILED ? errno : 0;   // the ring stays until exit
}

static long ioctl_on_null(unsigned long number, void *argument)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0) return errno;
    long error = error_of(ioctl(fd, number, argument));
    close(fd);
    return error;
}

static long vfio_step(struct thing *memory, size_t bytes)
{
    struct { uint32_t argsz, flags; uint64_t vaddr, iova, size; } request = {
        sizeof request, 3, (uintptr_t)memory->address, 0, bytes
    };
    return ioctl_on_null(0x3b71, &request);
}

static long iommufd_step(struct thing *memory, size_t bytes)
{
    struct { uint32_t size, flags, ioas_id, reserved; uint64_t user_va, length, iova; } request = {
        sizeof request, 6, 1, 0, (uintptr_t)memory->address, bytes, 0
    };
    return ioctl_on_null(0x3b85, &request);
}

static long xdp_step(struct thing *memory, size_t bytes)
{
    struct xdp_umem_reg request = {
        .addr = (uintptr_t)memory->address, .len = bytes, .chunk_size = 4096
    };
    memory->fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (memory->fd < 0) return errno;
    return error_of(setsockopt(memory->fd, SOL_XDP, XDP_UMEM_REG, &request, sizeof request));
}

// ---- processes, limits, observing ----

static long drop_caps(void)
{
    struct { uint32_t version; int pid; } header = { 0x20080522, 0 };
    struct { uint32_t effective, permitted, inheritable; } data[2];
    if (syscall(SYS_capget, &header, data) != 0) return errno;
    data[0].effective &= ~(1u << CAP_IPC_LOCK_BIT);
    data[0].permitted &= ~(1u << CAP_IPC_LOCK_BIT);
    data[0].inheritable &= ~(1u << CAP_IPC_LOCK_BIT);
    prctl(PR_CAPBSET_DROP, CAP_IPC_LOCK_BIT, 0, 0, 0);
    return error_of(syscall(SYS_capset, &header, data));
}

static long rlimit_step(const char *text)
{
    rlim_t bytes = strcmp(text, "unlimited") == 0 ? RLIM_INFINITY : (rlim_t)parse_size(text);
    struct rlimit limit = { bytes, bytes };
    return error_of(setrlimit(RLIMIT_MEMLOCK, &limit));
}

static void print_status(void)
{
    char line[256], locked[64] = "?", pinned[64] = "?", prefix[32] = "";
    FILE *file = fopen("/proc/thread-self/status", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        sscanf(line, "VmLck: %60s", locked);
        sscanf(line, "VmPin: %60s", pinned);
    }
    if (file != NULL) fclose(file);
    for (int i = 0; i < depth && i < 15; i++) strcat(prefix, "> ");
    say("%sstatus VmLck=%skB VmPin=%skB", prefix, locked, pinned);
}

static void on_alarm(int number)
{
    (void)number;
    atomic_fetch_add(&signals_received, 1);
}

static long itimer_step(long microseconds, int flags)
{
    struct sigaction action = { .sa_handler = on_alarm, .sa_flags = flags };
    sigaction(SIGUSR1, &action, NULL);
    // A real-time timer that sends SIGUSR1: SIGALRM stays the bound on this program's life.
    static timer_t timer;
    static int made;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    if (!made && timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) return errno;
    made = 1;
    struct timespec time = { microseconds / 1000000, microseconds % 1000000 * 1000 };
    struct itimerspec period = { time, time };
    return error_of(timer_settime(timer, 0, &period, NULL));
}

static void spin_ms(long milliseconds)
{
    int64_t end = now_ns() + milliseconds * 1000000;
    while (now_ns() < end) { }
}

static long hold(double seconds)
{
    int64_t end = now_ns() + (int64_t)(seconds * 1e9);
    for (int64_t left; (left = end - now_ns()) > 0;) nap_us((long)(left / 1000) + 1);   // signals cut naps short
    return 0;
}

static long wait_stdin(void)
{
    char byte;
    ssize_t got;
    while ((got = read(STDIN_FILENO, &byte, 1)) == 1 || (got < 0 && errno == EINTR))
        if (got == 1 && byte == '\n') break;
    return got < 0 ? errno : 0;
}

static long exec_self(int position)
{
    char *arguments[TOKENS_MAX + 1];
    char level[16];
    int count = 0;
    snprintf(level, sizeof level, "%d", depth);
    setenv("LOCK_DEPTH", level, 1);
    arguments[count++] = "lock";
    for (int i = position; i < token_count; i++) arguments[count++] = tokens[i];
    arguments[count] = NULL;
    execv("/proc/self/exe", arguments);
    return errno;
}

// ---- the interpreter ----

// The position of the "end" that closes the block which starts at position.
static int block_end(int position)
{
    int open = 1;
    for (; position < token_count; position++) {
        const char *word = tokens[position];
        if (strcmp(word, "end") == 0 && --open == 0) return position;
        if (strcmp(word, "fork-and") == 0 || strcmp(word, "fork-bg") == 0 || strcmp(word, "thread-and") == 0 ||
            strcmp(word, "repeat") == 0)
            open++;
    }
    fail_usage("every fork-and, fork-bg, thread-and and repeat needs its 'end'");
}

static long fork_block(int start, int end, int wait_for_it)
{
    pid_t child = fork();
    if (child < 0) return errno;
    if (child > 0) return wait_for_it ? error_of(waitpid(child, NULL, 0)) : 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    bound_life(60);
    depth++;
    run(start, end);
    remove_segments();
    _exit(0);
}

static void *thread_block(void *bounds)
{
    run(((int *)bounds)[0], ((int *)bounds)[1]);
    return NULL;
}

static long thread_step(int start, int end)
{
    int bounds[2] = { start, end };
    pthread_t thread;
    int error = pthread_create(&thread, NULL, thread_block, bounds);
    return error != 0 ? error : pthread_join(thread, NULL);
}

static const struct { const char *name; int arguments; } arities[] = {
    { "map", 2 }, { "touch", 1 }, { "touch-part", 3 }, { "munmap", 1 }, { "munmap-part", 3 }, { "mmap-locked", 2 },
    { "mmap-locked-droppable", 2 },
    { "mremap", 2 }, { "brk", 1 }, { "stack", 1 }, { "huge", 1 }, { "protect", 3 }, { "mlock", 3 }, { "mlock2", 3 },
    { "mlock2-onfault", 3 }, { "munlock", 3 }, { "mlockall", 1 }, { "munlockall", 0 }, { "shm-make", 2 },
    { "shm-attach", 1 }, { "shm-detach", 1 }, { "shm-lock", 1 }, { "shm-unlock", 1 }, { "shm-rm", 1 },
    { "uring-setup", 2 }, { "uring-register", 4 }, { "uring-register-twice", 4 }, { "uring-register2", 4 },
    { "uring-update", 4 }, { "uring-pbuf-ring", 3 }, { "uring-clone", 2 }, { "uring-unregister", 1 }, { "close", 1 },
    { "secret", 2 }, { "zerocopy", 1 }, { "perf-map", 1 }, { "vfio-map", 2 }, { "iommufd-map", 2 }, { "xdp-umem", 2 },
    { "fork-and", 0 }, { "fork-bg", 0 }, { "wait-children", 0 }, { "thread-and", 0 }, { "exec-self", 0 },
    { "repeat", 1 }, { "rlimit-memlock", 1 }, { "drop-caps", 0 }, { "setuid", 1 }, { "hold", 1 }, { "wait-stdin", 0 },
    { "spin", 1 }, { "deadline", 1 }, { "itimer", 1 }, { "itimer-norestart", 1 }, { "status", 0 }, { "signals", 0 },
    { "say", 1 }, { "pid", 0 },
};

static int arity(const char *step)
{
    for (size_t i = 0; i < sizeof arities / sizeof *arities; i++)
        if (strcmp(arities[i].name, step) == 0) return arities[i].arguments;
    fprintf(stderr, "unknown step '%s'\n", step);
    exit(2);
}

// Steps with (name, offset, length): the range inside the mapping.
static char *at(char **a) { return find(a[0])->address + parse_size(a[1]); }

static long one_step(const char *step, char **a)
{
#define IS(text) (strcmp(step, text) == 0)
    if (IS("map")) return map_step(a[0], parse_size(a[1]), MAP_PRIVATE);
    if (IS("mmap-locked")) return map_step(a[0], parse_size(a[1]), MAP_PRIVATE | MAP_LOCKED);
    if (IS("mmap-locked-droppable")) return map_step(a[0], parse_size(a[1]), MAP_DROPPABLE | MAP_LOCKED);
    if (IS("touch")) return touch(find(a[0])->address, find(a[0])->bytes), 0;
    if (IS("touch-part")) return touch(at(a), parse_size(a[2])), 0;
    if (IS("munmap")) return error_of(munmap(find(a[0])->address, find(a[0])->bytes));
    if (IS("munmap-part")) return error_of(munmap(at(a), parse_size(a[2])));
    if (IS("mremap")) return remap_step(find(a[0]), parse_size(a[1]));
    if (IS("brk")) return sbrk((intptr_t)parse_size(a[0])) == (void *)-1 ? errno : 0;
    if (IS("stack")) return grow_stack(parse_size(a[0]));
    if (IS("huge")) return error_of(madvise(find(a[0])->address, find(a[0])->bytes, MADV_HUGEPAGE));
    if (IS("protect")) return error_of(mprotect(at(a), parse_size(a[2]), PROT_READ));
    if (IS("mlock")) return error_of(syscall(SYS_mlock, at(a), parse_size(a[2])));
    if (IS("mlock2")) return error_of(syscall(SYS_mlock2, at(a), parse_size(a[2]), 0));
    if (IS("mlock2-onfault")) return error_of(syscall(SYS_mlock2, at(a), parse_size(a[2]), 1));
    if (IS("munlock")) return error_of(munlock(at(a), parse_size(a[2])));
    if (IS("mlockall")) return error_of(mlockall((int)parse_mlockall(a[0])));
    if (IS("munlockall")) return error_of(munlockall());
    if (IS("shm-make")) return shm_make(find(a[0]), parse_size(a[1]));
    if (IS("shm-attach")) return shm_attach_step(find(a[0]));
    if (IS("shm-detach")) return error_of(shmdt(find(a[0])->address));
    if (IS("shm-lock")) return shm_lock_step(a[0]);
    if (IS("shm-unlock")) return error_of(shmctl(find(a[0])->shm_id, SHM_UNLOCK, NULL));
    if (IS("shm-rm")) return shm_remove_step(find(a[0]));
    if (IS("uring-setup")) return uring_setup_step(find(a[0]), (unsigned)parse_number(a[1]));
    if (IS("uring-unregister")) return uring_call(find(a[0])->fd, IORING_UNREGISTER_BUFFERS, NULL, 0);
    if (IS("uring-pbuf-ring")) return uring_pbuf_step(find(a[0])->fd, find(a[1]), (unsigned)parse_number(a[2]));
    if (IS("uring-clone")) return uring_clone_step(find(a[0])->fd, find(a[1])->fd);
    if (strncmp(step, "uring-", 6) == 0) return uring_register_step(step, a);
    if (IS("close")) return error_of(close(find(a[0])->fd));
    if (IS("secret")) return secret_step(a[0], parse_size(a[1]));
    if (IS("zerocopy")) return zerocopy_step(parse_size(a[0]));
    if (IS("perf-map")) return perf_step(parse_size(a[0]));
    if (IS("vfio-map")) return vfio_step(find(a[0]), parse_size(a[1]));
    if (IS("iommufd-map")) return iommufd_step(find(a[0]), parse_size(a[1]));
    if (IS("xdp-umem")) return xdp_step(find(a[0]), parse_size(a[1]));
    if (IS("rlimit-memlock")) return rlimit_step(a[0]);
    if (IS("drop-caps")) return drop_caps();
    if (IS("setuid")) return error_of(setresuid((uid_t)parse_number(a[0]), (uid_t)parse_number(a[0]),
                                                (uid_t)parse_number(a[0])));
    if (IS("hold")) return hold(atof(a[0]));
    if (IS("wait-stdin")) return wait_stdin();
    if (IS("spin")) return spin_ms(parse_number(a[0])), 0;
    if (IS("deadline")) return bound_life((unsigned)parse_number(a[0])), 0;
    if (IS("itimer")) return itimer_step(parse_number(a[0]), SA_RESTART);
    if (IS("itimer-norestart")) return itimer_step(parse_number(a[0]), 0);
    if (IS("wait-children")) {
        while (wait(NULL) > 0 || errno == EINTR) { }
        return 0;
    }
#undef IS
    fprintf(stderr, "step '%s' has no action\n", step);
    exit(2);
}

static void run(int position, int end)
{
    while (position < end) {
        const char *step = tokens[position++];
        char **a = &tokens[position];
        int count = arity(step);
        position += count;
        if (position > end) fail_usage("a step lacks its arguments");
        int is_fork = strncmp(step, "fork-", 5) == 0, is_thread = strcmp(step, "thread-and") == 0;
        if (is_fork || is_thread || strcmp(step, "repeat") == 0) {
            int close = block_end(position);
            if (is_fork) tell(step, fork_block(position, close, step[5] == 'a'));
            else if (is_thread) tell(step, thread_step(position, close));
            else for (long n = parse_number(a[0]); n > 0; n--) run(position, close);
            position = close + 1;
        } else if (strcmp(step, "exec-self") == 0) {
            tell(step, exec_self(position));
            return;
        } else if (strcmp(step, "status") == 0) {
            print_status();
        } else if (strcmp(step, "signals") == 0) {
            say("signals %ld", atomic_load(&signals_received));
        } else if (strcmp(step, "say") == 0) {
            say("%s", a[0]);
        } else if (strcmp(step, "pid") == 0) {
            say("pid %d", getpid());
        } else {
            tell(step, one_step(step, a));
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) fail_usage("lock STEP...   (the steps are listed at the top of lock.c)");
    const char *level = getenv("LOCK_DEPTH");
    depth = level != NULL ? atoi(level) : 0;
    bound_life(60);
    for (int i = 1; i < argc; i++) {
        char *state = NULL;
        for (char *word = strtok_r(argv[i], " \n", &state); word != NULL; word = strtok_r(NULL, " \n", &state)) {
            if (token_count == TOKENS_MAX) fail_usage("too many steps");
            tokens[token_count++] = word;
        }
    }
    atexit(remove_segments);
    signal(SIGTERM, on_term);
    run(0, token_count);
    return 0;
}
