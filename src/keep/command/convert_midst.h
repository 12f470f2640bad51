/* A volume that is looked at while its data are being changed, or were, until that was stopped. */
#ifndef KEEP_COMMAND_CONVERT_MIDST_H
#define KEEP_COMMAND_CONVERT_MIDST_H

#include "keep/command/convert.h"

/* A zone that was cut short is made whole first, which needs a target that may be written to. */
struct convert_midst {
    const char *path;
    const char *header_path; /* NULL where the header stands in front of the data */
    struct device *data;     /* becomes the volume's own on success */
    bool writes;
    const struct secret *credential; /* opens all the keys that are needed */
};

struct convert_midst_result {
    struct device *volume;
    uint32_t sector_size;
    char cipher[REENCRYPTION_WORD];
};

/*
 * RC_NOT_FOUND    nothing is in the midst of anything here: open it in the usual way
 * RC_BUSY         a zone was cut short, and it is opened for reading only
 * others          as reencrypt_open and reencrypt_recover
 */
enum rc convert_midst_is(struct device *header_device, struct fault *why);
enum rc convert_midst_open(const struct convert_midst *midst,
                           struct convert_midst_result *result, struct fault *why);

#endif
