// Stands for the libraries of devices, which test machines have not: the few functions that Allot calls, with the same
// signatures. Every registration is written down, so that the test sees what arrived.

#include <errno.h>
#include <stddef.h>
#include <string.h>

struct region { void *context, *domain, *address; size_t length; unsigned handle, lkey, rkey; };

static struct region regions[8];
static int device_marks[2], context_mark, domain_mark, open_things;
static const char *names[] = { "fake0", "fake1" };

int fake_open_things(void) { return open_things; }

size_t fake_registered_bytes(void)
{
    size_t bytes = 0;
    for (int i = 0; i < 8; i++) bytes += regions[i].length;
    return bytes;
}

// ---- libibverbs ----

void **ibv_get_device_list(int *count)
{
    static void *list[3];
    list[0] = &device_marks[0];
    list[1] = &device_marks[1];
    open_things++;
    *count = 2;
    return list;
}

void ibv_free_device_list(void **list) { open_things -= list != NULL; }

const char *ibv_get_device_name(void *device) { return names[(int *)device - device_marks]; }

void *ibv_open_device(void *device)
{
    if (device != &device_marks[1]) return NULL;   // the first one is broken
    open_things++;
    return &context_mark;
}

int ibv_close_device(void *context)
{
    open_things -= context == &context_mark;
    return 0;
}

void *ibv_alloc_pd(void *context)
{
    open_things += context == &context_mark;
    return &domain_mark;
}

int ibv_dealloc_pd(void *domain)
{
    open_things -= domain == &domain_mark;
    return 0;
}

static struct region *add(void *address, size_t length)
{
    for (int i = 0; i < 8 && length <= 1 << 20; i++)
    {
        if (regions[i].length != 0) continue;
        regions[i].address = address;
        regions[i].length = length;
        return &regions[i];
    }

    errno = ENOMEM;
    return NULL;
}

void *ibv_reg_mr(void *domain, void *address, size_t length, int access)
{
    return domain == &domain_mark && access == 1 ? add(address, length) : NULL;
}

static int refusals;

void fake_refuse(int times) { refusals = times; }

int ibv_dereg_mr(struct region *region)
{
    if (refusals > 0) return refusals--, EBUSY;
    memset(region, 0, sizeof *region);
    return 0;
}

// ---- the CUDA driver ----

static void *current;

int cuInit(unsigned flags) { return flags == 0 ? 0 : 1; }

int cuDeviceGet(int *device, int index)
{
    *device = 40 + index;
    return index == 0 ? 0 : 101;
}

int cuDeviceGetName(char *name, int length, int device)
{
    strncpy(name, "fake GPU", (size_t)length);
    return device == 40 ? 0 : 101;
}

int cuDevicePrimaryCtxRetain(void **context, int device)
{
    *context = &context_mark;
    open_things++;
    return device == 40 ? 0 : 101;
}

int cuDevicePrimaryCtxRelease_v2(int device)
{
    open_things--;
    return device == 40 ? 0 : 101;
}

int cuCtxGetCurrent(void **context)
{
    *context = current;
    return 0;
}

int cuCtxSetCurrent(void *context)
{
    current = context;
    return 0;
}

int cuMemHostRegister_v2(void *address, size_t length, unsigned flags)
{
    return current == &context_mark && flags == 1 && add(address, length) != NULL ? 0 : 2;
}

int cuMemHostUnregister(void *address)
{
    for (int i = 0; i < 8; i++)
    {
        if (regions[i].address == address) return ibv_dereg_mr(&regions[i]);
    }

    return 713;
}
