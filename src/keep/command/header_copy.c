#include "keep/command/header_copy.h"

#include <inttypes.h>
#include <string.h>

enum { RUN = 64 << 10 };

typedef enum rc run_step(struct device *to, uint64_t offset, const uint8_t *run, size_t len,
                         struct fault *why);

static enum rc write_run(struct device *to, uint64_t offset, const uint8_t *run, size_t len,
                         struct fault *why)
{
    return device_write(to, offset, run, len, why);
}

static enum rc compare_run(struct device *to, uint64_t offset, const uint8_t *run, size_t len,
                           struct fault *why)
{
    uint8_t back[RUN];
    enum rc rc = device_read(to, offset, back, len, why);

    if (rc == RC_OK && memcmp(run, back, len) != 0)
        return fail(why, RC_IO, "offset %" PRIu64 ": does not read back as it was written",
                    offset);
    return rc;
}

static enum rc walk(struct device *from, struct device *to, uint64_t offset, uint64_t len,
                    run_step *step, struct fault *why)
{
    for (uint64_t done = 0; done < len; done += RUN) {
        size_t part = len - done < RUN ? (size_t)(len - done) : RUN;
        uint8_t run[RUN];
        enum rc rc;

        if ((rc = device_read(from, offset + done, run, part, why)) ||
            (rc = step(to, offset + done, run, part, why)))
            return rc;
    }
    return RC_OK;
}

enum rc header_copy(struct device *from, struct device *to, uint64_t offset, uint64_t len,
                    struct fault *why)
{
    enum rc rc;

    if ((rc = walk(from, to, offset, len, write_run, why)) || (rc = device_flush(to, why)))
        return rc;
    device_forget(to, offset, len);
    return walk(from, to, offset, len, compare_run, why);
}
