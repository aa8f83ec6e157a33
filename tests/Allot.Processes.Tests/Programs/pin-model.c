// pin-model SEED STEPS PROCESSES
//
// Random steps with locked memory in several processes, one after the other, against a model that knows exactly what is
// locked. Under a limit of 256 pages every step that fits must succeed, and every other must fail. Prints one line per
// step that does not, and then "wrong COUNT of STEPS, refused COUNT".
#include "common.h"
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { PAGE = 4096, PAGES = 400, LIMIT = 256 };
enum { ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS, READ_WRITE = PROT_READ | PROT_WRITE };

static struct {
    pthread_mutex_t turn;
    long locked, wrong, refused, steps;
} *shared;

static bool is_locked[PAGES];
static long mine;

static void set(int first, int count, bool lock)
{
    for (int i = first; i < first + count; i++) {
        long change = (long)lock - (long)is_locked[i];
        is_locked[i] = lock;
        mine += change;
        shared->locked += change;
    }
}

static void check(const char *step, bool done, bool fits, long pages)
{
    int error = errno;
    if (!done) shared->refused++;
    if (done == fits) return;
    shared->wrong++;
    say("%s of %ld pages with %ld locked: %s", step, pages, shared->locked, done ? "ok" : result_name(error));
}

// A mapping of its own is locked, grows and goes.
static void grow(void)
{
    if (shared->locked == LIMIT) return;
    int more = 1 + rand() % 40;
    char *start = mmap(NULL, PAGE, READ_WRITE, ANONYMOUS, -1, 0);
    check("mlock", mlock(start, PAGE) == 0, true, 1);
    char *grown = mremap(start, PAGE, (1 + more) * (size_t)PAGE, MREMAP_MAYMOVE);
    check("mremap", grown != MAP_FAILED, shared->locked + 1 + more <= LIMIT, more);
    if (grown == MAP_FAILED) munmap(start, PAGE);
    else munmap(grown, (1 + more) * (size_t)PAGE);
}

static void step(char *base)
{
    int first = rand() % PAGES;
    int count = 1 + rand() % (rand() % 5 == 0 ? PAGES : 60);
    if (first + count > PAGES) count = PAGES - first;
    int locked = 0;
    for (int i = first; i < first + count; i++) locked += is_locked[i];

    char *address = base + (long)first * PAGE;
    size_t bytes = (size_t)count * PAGE;
    bool fits = shared->locked + count - locked <= LIMIT, done;
    switch (rand() % 8) {
    case 0:
    case 1:
        check("mlock", done = mlock(address, bytes) == 0, fits, count - locked);
        if (done) set(first, count, true);
        break;
    case 2:
        check("mlock2", done = syscall(__NR_mlock2, address, bytes, 1) == 0, fits, count - locked);
        if (done) set(first, count, true);
        break;
    case 3:
    case 4:
        munlock(address, bytes);
        set(first, count, false);
        break;
    case 5:
        mmap(address, bytes, READ_WRITE, ANONYMOUS | MAP_FIXED, -1, 0);
        set(first, count, false);
        break;
    case 6:
        if (locked != 0) break;   // the kernel counts what is about to be replaced as well
        done = mmap(address, bytes, READ_WRITE, ANONYMOUS | MAP_FIXED | MAP_LOCKED, -1, 0) != MAP_FAILED;
        check("mmap", done, fits, count);
        if (done) set(first, count, true);
        break;
    default:
        if (rand() % 10 != 0) {
            grow();
            break;
        }
        munlockall();
        set(0, PAGES, false);
        break;
    }
}

static void run(unsigned seed, int steps)
{
    char *base = mmap(NULL, PAGES * (size_t)PAGE, READ_WRITE, ANONYMOUS, -1, 0);
    bound_life(60);
    srand(seed);
    for (int i = 0; i <= steps; i++) {
        pthread_mutex_lock(&shared->turn);
        if (i < steps) step(base);
        else munlockall(), set(0, PAGES, false);
        shared->steps++;
        pthread_mutex_unlock(&shared->turn);
    }
}

int main(int count, char **arguments)
{
    if (count != 4) fail_usage("pin-model SEED STEPS PROCESSES");
    bound_life(60);
    shared = mmap(NULL, PAGE, READ_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&shared->turn, &attributes);
    for (int i = 0; i < atoi(arguments[3]); i++) {
        if (fork() != 0) continue;
        run((unsigned)(atoi(arguments[1]) * 100 + i), atoi(arguments[2]));
        _exit(0);
    }
    while (wait(NULL) > 0) {}
    say("wrong %ld of %ld, refused %ld", shared->wrong, shared->steps, shared->refused);
    return 0;
}
