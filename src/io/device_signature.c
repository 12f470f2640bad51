#include "io/device_signature.h"

#include <stdint.h>
#include <stdio.h>

#include <blkid/blkid.h>

/* True when the probe was set up to look for everything but LUKS. */
static bool set_up(blkid_probe probe, int fd)
{
    static char luks[] = "crypto_LUKS";
    char *ignored[] = {luks, NULL};

    return blkid_probe_set_device(probe, fd, 0, 0) == 0 &&
           blkid_probe_enable_superblocks(probe, 1) == 0 &&
           blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE) == 0 &&
           blkid_probe_filter_superblocks_type(probe, BLKID_FLTR_NOTIN, ignored) == 0 &&
           blkid_probe_enable_partitions(probe, 1) == 0;
}

enum rc device_signature(const struct device *d, char name[DEVICE_SIGNATURE_SIZE],
                         struct fault *why)
{
    blkid_probe probe;
    const char *found = NULL;
    int result = -1;

    name[0] = '\0';
    if (device_fd(d) < 0)
        return RC_OK;
    if (!(probe = blkid_new_probe()))
        return fail(why, RC_MEMORY, "no memory to look for signatures");
    if (set_up(probe, device_fd(d)))
        result = blkid_do_safeprobe(probe); /* 0: one, 1: none, -2: several */
    if (result == 0 && blkid_probe_lookup_value(probe, "TYPE", &found, NULL) != 0 &&
        blkid_probe_lookup_value(probe, "PTTYPE", &found, NULL) != 0)
        found = "an unnamed signature";
    if (result == -2)
        found = "several signatures";
    if (found)
        snprintf(name, DEVICE_SIGNATURE_SIZE, "%s", found);
    blkid_free_probe(probe);
    if (result == -1)
        return fail(why, RC_IO, "cannot look for signatures");
    return RC_OK;
}
