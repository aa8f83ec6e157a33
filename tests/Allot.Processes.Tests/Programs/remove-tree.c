// remove-tree DIR...
//
// Removes directory trees of any depth, such as those of mkdir-loop. Paths into them are longer than PATH_MAX and too
// deep for recursion, so this walks with the current directory: down into the first subdirectory that is not empty,
// up with ".." when nothing is left. Symbolic links are removed, never followed.
//
//   removed 100001 ok     directories removed, for each DIR
#include "common.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

// Removes what can be removed here. Returns a descriptor of a subdirectory that has content, -1 when there is none.
static int empty_directory(long *removed)
{
    DIR *here = opendir(".");
    if (here == NULL) return -1;
    int below = -1;
    struct dirent *entry;
    while (below < 0 && (entry = readdir(here)) != NULL) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
        if (unlink(name) == 0) continue;
        if (rmdir(name) == 0) (*removed)++;
        else below = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    closedir(here);
    return below;
}

static int remove_tree(const char *path, long *removed)
{
    int parent = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (chdir(path) != 0) return errno;
    long depth = 0;
    for (;;) {
        int below = empty_directory(removed);
        if (below >= 0) {
            if (fchdir(below) != 0) return errno;
            close(below);
            depth++;
        } else if (depth-- == 0) {
            break;
        } else if (chdir("..") != 0) {
            return errno;
        }
    }
    if (fchdir(parent) != 0) return errno;
    close(parent);
    if (rmdir(path) != 0) return errno;
    (*removed)++;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) fail_usage("remove-tree DIR...");
    bound_life(120);
    int failed = 0;
    for (int i = 1; i < argc; i++) {
        long removed = 0;
        int error = remove_tree(argv[i], &removed);
        say("removed %ld %s", removed, result_name(error));
        failed |= error != 0;
    }
    return failed;
}
