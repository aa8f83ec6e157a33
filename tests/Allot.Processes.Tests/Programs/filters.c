// filters
//
// Installs seccomp filters of its own, as an ordinary user, and prints what the kernel answers to each:
//
//   plain EACCES           a filter without no_new_privs
//   plain-after ok         the same with no_new_privs
//   listener ok            a filter with a listener
//   second EBUSY           a further one: there is one for all filters of a task
//   sync EINVAL            a listener for all threads at once, without the flag that says how its failure is told
//
// Every filter lets every call pass.
#include "common.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

static void install(const char *name, unsigned flags)
{
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = { 1, &allow };
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    say("%s %s", name, result_name(result < 0 ? errno : 0));
}

int main(void)
{
    bound_life(20);
    if (setuid(54321) < 0) perror("setuid");
    install("plain", 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    install("plain-after", 0);
    install("listener", SECCOMP_FILTER_FLAG_NEW_LISTENER);
    install("second", SECCOMP_FILTER_FLAG_NEW_LISTENER);
    install("sync", SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC);
    return 0;
}
