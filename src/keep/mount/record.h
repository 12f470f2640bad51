/*
 * What is open: one small file for each volume, in a directory of the user's own. Its daemon
 * holds a lock on it as long as it lives, so that an entry left behind by a crash is known for
 * what it is.
 */
#ifndef KEEP_MOUNT_RECORD_H
#define KEEP_MOUNT_RECORD_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/fault.h"

enum { RECORD_NAME = 48, RECORD_ID = 192, RECORD_CIPHER = 96 };

struct record {
    char name[RECORD_NAME]; /* device and inode numbers: the same under every path */
    char target[PATH_MAX];
    char mountpoint
        [PATH_MAX]; /* where the user looks: a directory, a socket of NBD, /dev/mapper/NAME */
    char face[PATH_MAX];    /* where FUSE is mounted: the same for --raw */
    char kernel[RECORD_ID]; /* the mapping's id, where dm-crypt serves it and no daemon does */
    char format[16], cipher[RECORD_CIPHER]; /* for people */
    char fault[400];                        /* what went wrong at the very end */
    pid_t daemon;                           /* 0 for none */
    pid_t helper;                           /* fuse2fs; 0 for none */
    int sector_size;
    bool raw, nbd, read_only, made_mountpoint;
    bool folder; /* its files are mounted as they are: `raw` too */
    int fd;      /* open and locked in the daemon; -1 in others */
};

/*
 * /run/keepgate for root, $XDG_RUNTIME_DIR/keepgate or /tmp/keepgate-UID for others; it is
 * made where it is missing.
 * RC_DENIED  it belongs to somebody else, or others may enter it
 */
enum rc record_directory(char path[PATH_MAX], struct fault *why);

/*
 * The record of `target`, a path, filled with its name, and its file locked. What a dead
 * daemon wrote there is in *left, perhaps of another path; left->target is "" where nothing is.
 *
 * RC_BUSY       a living daemon has it open
 * RC_NOT_FOUND  there is no such target
 */
enum rc record_begin(struct record *record, const char *target, struct record *left,
                     struct fault *why);

/* Nothing is left of the dead daemon: the file says nothing until it is written. */
enum rc record_clear(const struct record *record, struct fault *why);

enum rc record_write(struct record *record, struct fault *why);

/* Somebody works with what is open, and who closes it is to know: the daemon's word, and whether it
 * stands. For a face that the kernel does not keep count of. */
void record_mark_used(const struct record *record, bool used);
bool record_is_used(const struct record *record);

/* Leaves the record behind, for a volume that the kernel serves. */
void record_leave(struct record *record);

/* Removes the directory for the face, and the file if it is still the one at `fd`; the lock goes. */
void record_end(struct record *record);

/* Calls `each` for every record; `alive` says whether its daemon is. Stops at the first that
 * is not RC_OK. */
enum rc record_each(enum rc (*each)(void *of, const struct record *record, bool alive),
                    void *of, struct fault *why);

/*
 * The record of a target, mount point, socket or name of a mapping.
 * RC_NOT_FOUND  nothing is open under this name
 */
enum rc record_find(struct record *record, const char *word, bool *alive, struct fault *why);

/*
 * Waits until no daemon holds the record, up to the time given; then the record is filled with
 * what the daemon wrote last, and record_end is the caller's; *gone where it has removed the
 * file itself, which may be another's by now.
 * RC_BUSY  it still holds it
 */
enum rc record_wait(struct record *record, unsigned timeout_ms, bool *gone, struct fault *why);

#endif
