/*
 * Bytes at offsets: a file, a block device, memory, or a device made of another one. What
 * vault and keep read headers and data from. Safe to use from several threads at once.
 */
#ifndef IO_DEVICE_H
#define IO_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

struct device;

struct device_kind {
    const char *name;
    enum rc (*read_at)(struct device *d, uint64_t offset, void *at, size_t len,
                       struct fault *why);
    enum rc (*write_at)(struct device *d, uint64_t offset, const void *at, size_t len,
                        struct fault *why);
    enum rc (*flush)(struct device *d, struct fault *why);
    enum rc (*discard)(struct device *d, uint64_t offset, uint64_t len,
                       struct fault *why);                                   /* may be NULL */
    enum rc (*follow)(struct device *d, uint64_t bottom, struct fault *why); /* may be NULL */
    enum rc (*write_over)(struct device *d, uint64_t offset, void *at, size_t len,
                          struct fault *why); /* may be NULL */
    enum rc (*write_direct)(struct device *d, uint64_t offset, const void *at, size_t len,
                            struct fault *why); /* may be NULL */
    void (*close)(struct device *d);
};

/* The first member of every device. */
struct device {
    const struct device_kind *kind;
    uint64_t size; /* bytes */
    bool read_only;
};

/*
 * All `len` bytes or a failure.
 * RC_IO      the system's error
 * RC_FORMAT  [offset, offset + len) does not lie inside the device
 */
enum rc device_read(struct device *d, uint64_t offset, void *at, size_t len,
                    struct fault *why);
/* The same; RC_DENIED on a read-only device. */
enum rc device_write(struct device *d, uint64_t offset, const void *at, size_t len,
                     struct fault *why);
/*
 * The same, of bytes that their owner needs no more: they may be changed, and a long write may go past
 * the system's memory, so that it takes as long as the medium does.
 */
enum rc device_write_over(struct device *d, uint64_t offset, void *at, size_t len,
                          struct fault *why);
/* After RC_OK all that was written is on the medium. */
enum rc device_flush(struct device *d, struct fault *why);
/* RC_UNSUPPORTED where the device has no notion of it. */
enum rc device_discard(struct device *d, uint64_t offset, uint64_t len, struct fault *why);
/*
 * The file or block device at the bottom counts as `bottom` bytes long from now on, and what is made of
 * it gets another end, beside whoever reads and writes. Growing comes before use, shrinking after it.
 *
 * RC_UNSUPPORTED  a device whose end is not that of another one
 * RC_TRUNCATED    the file is not as long, or the device would have nothing left
 */
enum rc device_follow(struct device *d, uint64_t bottom, struct fault *why);
/* Harmless on NULL. */
void device_close(struct device *d);

enum device_lock {
    DEVICE_UNLOCKED,
    DEVICE_SHARED,
    DEVICE_LOCKED, /* by no other program of ours; a block device may be mapped by the kernel */
    DEVICE_EXCLUSIVE,
};

/*
 * A regular file or block device. A lock lasts as long as the device is open (flock(2), and
 * O_EXCL for exclusive use of a block device); RC_BUSY when somebody else holds one, or, for
 * exclusive use, when the same bytes are in use as a loop device or as its file. RC_FORMAT
 * for what is neither a file nor a block device.
 */
enum rc device_open_file(struct device **out, const char *path, bool read_only,
                         enum device_lock lock, struct fault *why);

/*
 * A lock on some of its bytes, apart from the locks above and not heeded by read and write; it
 * ends with the device, or with the call below. Nothing is done for what is no file.
 *
 * RC_BUSY  somebody else holds one that excludes it
 */
enum rc device_lock_range(struct device *d, uint64_t offset, uint64_t len, bool exclusive,
                          struct fault *why);
void device_unlock_range(struct device *d, uint64_t offset, uint64_t len);

/*
 * Drops what the system keeps of flushed bytes in memory, so that the next read asks the
 * medium; as far as the system does so.
 */
void device_forget(struct device *d, uint64_t offset, uint64_t len);

/*
 * Lets the system begin to bring written bytes to the medium, and waits for nothing: a flush
 * that follows has less to do. As far as the system does so.
 */
void device_hasten(struct device *d, uint64_t offset, uint64_t len);

/* Of offset, length and memory of device_write_direct(). */
enum { DEVICE_DIRECT_UNIT = 4096 };

/*
 * Makes a device ready for device_write_direct(): a file on a file system where that is known to keep in
 * step with other reads and writes. Nothing changes for other devices.
 */
void device_ready_direct(struct device *d);

/* Is it ready, and was nothing refused so far? */
bool device_is_direct(const struct device *d);

/*
 * As device_write, past the system's memory (O_DIRECT) while device_is_direct(). Whoever reads sees it all
 * the same, and what was written is safe after a flush, as ever.
 */
enum rc device_write_direct(struct device *d, uint64_t offset, const void *at, size_t len,
                            struct fault *why);

/* The fd of a device made by device_open_file, still the device's own; -1 for others. */
int device_fd(const struct device *d);

/* Over bytes that the caller keeps until it is closed: tests and fuzzers. */
enum rc device_open_memory(struct device **out, void *at, size_t size, struct fault *why);

#endif
