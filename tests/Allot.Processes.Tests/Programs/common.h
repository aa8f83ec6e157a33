// What the test programs share: whole lines on stdout, names of errno values, sizes, and a bound on their life.
// Every program ends by itself: bound_life() arms an alarm whose default action kills the process.
#ifndef COMMON_H
#define COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

// "ok" for 0, the symbolic name ("ENOMEM") otherwise. Accepts both errno and -errno.
static inline const char *result_name(long error)
{
    static char unknown[32];
    if (error == 0) return "ok";
    const char *name = strerrorname_np((int)(error < 0 ? -error : error));
    if (name != NULL) return name;
    snprintf(unknown, sizeof unknown, "E%ld", error < 0 ? -error : error);
    return unknown;
}

// One write per line, so that lines of several processes never mix; nothing is left in a buffer when one is killed.
static inline void say(const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (length < 0) return;
    if (length > (int)sizeof line - 2) length = (int)sizeof line - 2;
    line[length++] = '\n';
    ssize_t ignored = write(STDOUT_FILENO, line, (size_t)length);
    (void)ignored;
}

static inline _Noreturn void fail_usage(const char *text)
{
    fprintf(stderr, "usage: %s\n", text);
    exit(2);
}

static inline int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline void nap_us(long microseconds)
{
    struct timespec time = { microseconds / 1000000, microseconds % 1000000 * 1000 };
    nanosleep(&time, NULL);
}

// After this many seconds the process is killed by its own alarm. A forked child has no alarm: it must call this too.
static inline void bound_life(unsigned seconds) { alarm(seconds == 0 ? 1 : seconds); }

// The most memory the parent has had resident; 0 when that cannot be read. Started by a supervisor, its cost in memory.
static inline long parent_peak_bytes(void)
{
    char path[64], line[256];
    long kibibytes = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)getppid());
    FILE *status = fopen(path, "re");
    if (status == NULL) return 0;
    while (fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmHWM: %ld", &kibibytes) == 1) break;
    fclose(status);
    return kibibytes * 1024;
}

// Bytes with an optional K, M or G (powers of 1024). Exits with a usage error on anything else.
static inline size_t parse_size(const char *text)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 0);
    unsigned shift = 0;
    if (*end == 'K') shift = 10;
    else if (*end == 'M') shift = 20;
    else if (*end == 'G') shift = 30;
    if (shift != 0) end++;
    if (errno != 0 || end == text || *end != '\0') {
        fprintf(stderr, "not a size: '%s'\n", text);
        exit(2);
    }
    return (size_t)(value << shift);
}

static inline long parse_number(const char *text) { return (long)parse_size(text); }

#endif
