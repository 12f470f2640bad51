#include "keep/mount/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"
#include "keep/mount/kernel_crypt.h"

enum {
    RECORD_BYTES_MAX = 4 * PATH_MAX,
    POLL_US = 10000,
    PATIENCE_MS = 10000,
    GLANCE_MS = 200, /* who only lists the records holds a lock for less than that */
};

static const char suffix[] = ".open";

static enum rc private_directory(const char *path, struct fault *why)
{
    struct stat about;

    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return fail_errno(why, RC_IO, "%s: cannot be made", path);
    if (lstat(path, &about) < 0)
        return fail_errno(why, RC_IO, "%s", path);
    if (!S_ISDIR(about.st_mode) || about.st_uid != geteuid() || (about.st_mode & 077) != 0)
        return fail(why, RC_DENIED,
                    "%s: must be a directory of yours that nobody else may enter", path);
    return RC_OK;
}

enum rc record_directory(char path[PATH_MAX], struct fault *why)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");

    if (geteuid() == 0)
        snprintf(path, PATH_MAX, "/run/keepgate");
    else if (runtime && runtime[0] == '/' && strlen(runtime) < PATH_MAX / 2 &&
             !strchr(runtime, '\n'))
        snprintf(path, PATH_MAX, "%s/keepgate", runtime);
    else
        snprintf(path, PATH_MAX, "/tmp/keepgate-%u", geteuid());
    return private_directory(path, why);
}

static bool file_path(const struct record *record, char path[PATH_MAX])
{
    int len;

    if (record_directory(path, NULL) != RC_OK)
        return false;
    len = (int)strlen(path);
    return snprintf(path + len, (size_t)(PATH_MAX - len), "/%s%s", record->name, suffix) <
           PATH_MAX - len;
}

/* One word of the file: where it goes, and how large that is. */
struct field {
    const char *key;
    char *text;
    size_t size;
    pid_t *number;
    bool *flag;
};

enum { FIELDS = 15 };

static void fields_of(struct record *r, struct field fields[FIELDS])
{
    const struct field all[FIELDS] = {
        {.key = "target", .text = r->target, .size = sizeof r->target},
        {.key = "mountpoint", .text = r->mountpoint, .size = sizeof r->mountpoint},
        {.key = "face", .text = r->face, .size = sizeof r->face},
        {.key = "kernel", .text = r->kernel, .size = sizeof r->kernel},
        {.key = "format", .text = r->format, .size = sizeof r->format},
        {.key = "cipher", .text = r->cipher, .size = sizeof r->cipher},
        {.key = "fault", .text = r->fault, .size = sizeof r->fault},
        {.key = "daemon", .number = &r->daemon},
        {.key = "helper", .number = &r->helper},
        {.key = "sector_size", .number = &r->sector_size},
        {.key = "raw", .flag = &r->raw},
        {.key = "folder", .flag = &r->folder},
        {.key = "nbd", .flag = &r->nbd},
        {.key = "read_only", .flag = &r->read_only},
        {.key = "made_mountpoint", .flag = &r->made_mountpoint},
    };

    memcpy(fields, all, sizeof all);
}

static void take_line(struct field fields[FIELDS], const char *key, const char *value)
{
    uint64_t number = 0;

    for (struct field *f = fields; f < fields + FIELDS; f++) {
        if (strcmp(f->key, key) != 0)
            continue;
        if (f->text && strlen(value) < f->size)
            memcpy(f->text, value, strlen(value) + 1);
        if (!f->text && units_parse_number(span_text(value), INT32_MAX, &number) != RC_OK)
            return;
        if (f->number)
            *f->number = (pid_t)number;
        if (f->flag)
            *f->flag = number != 0;
    }
}

/* Lines of another form are passed over: the file is ours, and may have been cut by a full
 * disk. */
static void read_fields(struct record *record, int fd)
{
    static const size_t most = RECORD_BYTES_MAX;
    char *bytes = malloc(most + 1), *next = bytes, *line;
    struct field fields[FIELDS];
    ssize_t got = bytes ? pread(fd, bytes, most, 0) : 0;

    fields_of(record, fields);
    if (got > 0)
        bytes[got] = '\0';
    while (got > 0 && (line = strsep(&next, "\n"))) {
        char *value = strchr(line, ' ');

        if (!value)
            continue;
        *value++ = '\0';
        take_line(fields, line, value);
    }
    free(bytes);
}

enum rc record_write(struct record *record, struct fault *why)
{
    struct text text = {0};
    struct field fields[FIELDS];
    enum rc rc = RC_OK;

    fields_of(record, fields);
    for (struct field *f = fields; f < fields + FIELDS; f++) {
        if (f->text)
            text_printf(&text, "%s %s\n", f->key, f->text);
        else
            text_printf(&text, "%s %d\n", f->key, f->number ? *f->number : *f->flag);
    }
    if (!text_ok(&text))
        rc = fail(why, RC_MEMORY, "no memory for a record");
    else if (pwrite(record->fd, text.at, text.len, 0) != (ssize_t)text.len ||
             ftruncate(record->fd, (off_t)text.len) < 0)
        rc = fail_errno(why, RC_IO, "the record of %s cannot be written", record->target);
    text_clear(&text);
    return rc;
}

static enum rc name_of(struct record *record, const char *target, struct fault *why)
{
    struct stat about;

    if (stat(target, &about) < 0)
        return fail_errno(why, errno == ENOENT ? RC_NOT_FOUND : RC_IO, "%s", target);
    if (S_ISBLK(about.st_mode))
        snprintf(record->name, sizeof record->name, "device-%u-%u", major(about.st_rdev),
                 minor(about.st_rdev));
    else
        snprintf(record->name, sizeof record->name, "file-%jx-%jx", (uintmax_t)about.st_dev,
                 (uintmax_t)about.st_ino);
    return RC_OK;
}

/* Opens and locks the file, and makes sure that it was not removed in between. */
static enum rc try_lock(const char *path, int flags, int *fd)
{
    struct stat about;

    for (;;) {
        *fd = open(path, flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (*fd < 0)
            return errno == ENOENT ? RC_NOT_FOUND : RC_IO;
        if (flock(*fd, LOCK_EX | LOCK_NB) < 0) {
            close(*fd);
            return RC_BUSY;
        }
        if (fstat(*fd, &about) == 0 && about.st_nlink > 0)
            return RC_OK;
        close(*fd);
    }
}

static enum rc lock_file(const char *path, int flags, unsigned timeout_ms, int *fd)
{
    uint64_t end = clock_ms() + timeout_ms;
    enum rc rc;

    while ((rc = try_lock(path, flags, fd)) == RC_BUSY && clock_ms() < end)
        usleep(POLL_US);
    return rc;
}

static enum rc open_target(struct record *record, const char *target, struct fault *why)
{
    char real[PATH_MAX];

    if (!realpath(target, real))
        return fail_errno(why, errno == ENOENT ? RC_NOT_FOUND : RC_IO, "%s", target);
    if (strchr(real, '\n'))
        return fail(why, RC_USAGE, "%s: a name with a newline in it cannot be opened", target);
    memcpy(record->target, real, strlen(real) + 1);
    return name_of(record, target, why);
}

/* The mapping, where the kernel serves the volume, is as good as a daemon. */
static bool is_mapped(const struct record *record)
{
    const char *slash = strrchr(record->mountpoint, '/');

    return record->kernel[0] && slash && kernel_crypt_is_there(slash + 1, record->kernel);
}

static enum rc already_open(const char *target, struct fault *why)
{
    return fail(why, RC_BUSY, "%s: is already open ('keep status' says where)", target);
}

/* Who lists the records has none for itself alone; but may be slow where the machine is. */
static bool is_glanced_at(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool shared = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) == 0;

    if (fd >= 0)
        close(fd);
    return shared;
}

enum rc record_begin(struct record *record, const char *target, struct record *left,
                     struct fault *why)
{
    uint64_t end = clock_ms() + PATIENCE_MS;
    char path[PATH_MAX];
    enum rc rc;

    *record = *left = (struct record){.fd = -1};
    if ((rc = open_target(record, target, why)) || (rc = record_directory(path, why)))
        return rc;
    if (!file_path(record, path))
        return fail(why, RC_LIMIT, "%s: its path is too long", target);
    do
        rc = lock_file(path, O_CREAT, GLANCE_MS, &record->fd);
    while (rc == RC_BUSY && is_glanced_at(path) && clock_ms() < end);
    if (rc == RC_BUSY)
        return already_open(target, why);
    if (rc != RC_OK)
        return fail_errno(why, rc, "%s", path);
    read_fields(left, record->fd);
    if (is_mapped(left)) {
        record_leave(record);
        return already_open(target, why);
    }
    if (left->kernel[0]) /* the mapping has gone: nothing was lost with it */
        left->target[0] = '\0';
    return RC_OK;
}

enum rc record_clear(const struct record *record, struct fault *why)
{
    return ftruncate(record->fd, 0) == 0
               ? RC_OK
               : fail_errno(why, RC_IO, "the record of %s cannot be written", record->target);
}

void record_leave(struct record *record)
{
    close(record->fd);
    record->fd = -1;
}

void record_mark_used(const struct record *record, bool used)
{
    struct flock range = {
        .l_type = used ? F_WRLCK : F_UNLCK, .l_whence = SEEK_SET, .l_len = 1};

    (void)fcntl(record->fd, F_OFD_SETLK, &range);
}

bool record_is_used(const struct record *record)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    char path[PATH_MAX];
    int fd = file_path(record, path) ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    bool used = fd >= 0 && fcntl(fd, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;

    if (fd >= 0)
        close(fd);
    return used;
}

/* A number of a device comes again, and with it the name of a record: of a volume on another disk. */
static bool is_at(const struct record *record, const char *path)
{
    struct stat own, there;

    return fstat(record->fd, &own) == 0 && stat(path, &there) == 0 &&
           own.st_dev == there.st_dev && own.st_ino == there.st_ino;
}

void record_end(struct record *record)
{
    char path[PATH_MAX], face[PATH_MAX];

    if (file_path(record, path) && is_at(record, path)) {
        memcpy(face, path, sizeof face);
        face[strlen(face) - strlen(suffix)] = '\0';
        rmdir(face); /* before the file: another's may be made at once after it */
        unlink(path);
    }
    record_leave(record);
}

/* Reads one record, and tries its lock. One that says nothing yet is about to be opened, and one
 * that has no name any more was closed meanwhile. */
static enum rc load(struct record *record, const char *path, bool *alive)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat about;
    bool there;

    if (fd < 0)
        return RC_NOT_FOUND;
    read_fields(record, fd);
    *alive = flock(fd, LOCK_SH | LOCK_NB) < 0 || is_mapped(record);
    there = fstat(fd, &about) == 0 && about.st_nlink > 0;
    close(fd);
    return there && record->target[0] && (*alive || !record->kernel[0]) ? RC_OK : RC_NOT_FOUND;
}

static enum rc load_entry(const char *directory, const char *entry, struct record *record,
                          bool *alive)
{
    size_t len = strlen(entry), tail = strlen(suffix);
    char path[PATH_MAX];

    *record = (struct record){.fd = -1};
    if (len <= tail || strcmp(entry + len - tail, suffix) != 0 || len - tail >= RECORD_NAME ||
        snprintf(path, sizeof path, "%s/%s", directory, entry) >= (int)sizeof path)
        return RC_NOT_FOUND;
    memcpy(record->name, entry, len - tail);
    return load(record, path, alive);
}

enum rc record_each(enum rc (*each)(void *of, const struct record *record, bool alive),
                    void *of, struct fault *why)
{
    char path[PATH_MAX];
    struct dirent *entry;
    DIR *directory;
    enum rc rc = record_directory(path, why);

    if (rc != RC_OK)
        return rc;
    directory = opendir(path);
    if (!directory)
        return fail_errno(why, RC_IO, "%s", path);
    while (rc == RC_OK && (entry = readdir(directory))) {
        struct record record;
        bool alive;

        if (load_entry(path, entry->d_name, &record, &alive) == RC_OK)
            rc = each(of, &record, alive);
    }
    closedir(directory);
    return rc;
}

struct search {
    const char *word, *real;
    struct record *record;
    bool *alive;
};

/* A mapping has a name of its own; and its path may lead on to /dev/dm-0. */
static bool is_named(const struct record *record, const char *word)
{
    const char *slash = strrchr(record->mountpoint, '/');

    return record->kernel[0] && slash && strcmp(slash + 1, word) == 0;
}

static enum rc compare(void *of, const struct record *record, bool alive)
{
    struct search *s = of;

    if (strcmp(record->mountpoint, s->real) != 0 && strcmp(record->target, s->real) != 0 &&
        strcmp(record->mountpoint, s->word) != 0 && !is_named(record, s->word))
        return RC_OK;
    *s->record = *record;
    *s->alive = alive;
    return RC_END;
}

enum rc record_find(struct record *record, const char *word, bool *alive, struct fault *why)
{
    char real[PATH_MAX], target_path[PATH_MAX], directory[PATH_MAX];
    struct search search = {word, realpath(word, real) ? real : word, record, alive};
    enum rc rc = record_each(compare, &search, why);

    if (rc == RC_END)
        return RC_OK;
    if (rc != RC_OK)
        return rc;
    /* The same file under another name, or a mount point whose daemon is dead. */
    *record = (struct record){.fd = -1};
    if (name_of(record, word, NULL) == RC_OK && record_directory(directory, NULL) == RC_OK &&
        file_path(record, target_path) && load(record, target_path, alive) == RC_OK)
        return RC_OK;
    return fail(why, RC_NOT_FOUND, "%s: is not open ('keep status' lists what is)", word);
}

/* It was closed, and is being opened again. */
static bool is_anothers(const struct record *record, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct record now = {0};

    if (fd < 0)
        return false;
    read_fields(&now, fd);
    close(fd);
    return now.daemon != record->daemon;
}

enum rc record_wait(struct record *record, unsigned timeout_ms, bool *gone, struct fault *why)
{
    uint64_t end = clock_ms() + timeout_ms;
    char path[PATH_MAX];
    enum rc rc;

    *gone = false;
    if (!file_path(record, path))
        return fail(why, RC_IO, "%s: its record is out of reach", record->target);
    while ((rc = try_lock(path, 0, &record->fd)) == RC_BUSY && clock_ms() < end &&
           !(*gone = is_anothers(record, path)))
        usleep(POLL_US);
    if (rc == RC_NOT_FOUND || *gone) {
        *gone = true;
        return RC_OK;
    }
    if (rc != RC_OK)
        return fail(why, rc, "%s: its daemon, process %d, does not end", record->target,
                    record->daemon);
    record->fault[0] = '\0';
    read_fields(record, record->fd);
    return RC_OK;
}
