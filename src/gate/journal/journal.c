#include "gate/journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "gate/journal/access_line.h"
#include "gate/journal/error_line.h"
#include "gate/journal/line_buffer.h"
#include "gate/journal/path_cache.h"
#include "gate/journal/syslog_target.h"

/* How long a line waits for the reader of a pipe that is full; those behind it do not. */
enum { PATIENCE_MS = 50, PATH_MAX_LOG = 4096 };

struct journal_file {
    struct journal_file *next;
    struct span target; /* with a NUL behind it */
    struct syslog_target *syslog;
    struct line_buffer *buffer; /* NULL: lines are written at once */
    bool is_stderr;
    atomic_int fd;        /* -1: not open. Once open, its number stays: see replace */
    atomic_bool is_slow;  /* a pipe or terminal: its reader may be late */
    atomic_bool dropping; /* the last line could not be written */
};

/* The caches of one site. */
struct path_list {
    struct path_list *next;
    struct path_cache *cache;
};

static struct journal_file *find(const struct journal_files *files, struct span target)
{
    for (struct journal_file *f = files->first; f; f = f->next)
        if (span_equal(f->target, target))
            return f;
    return NULL;
}

static enum rc open_target(const struct journal_files *files, struct journal_file *file,
                           struct arena *arena, struct fault *why)
{
    const char *tag = files->syslog_tag ? files->syslog_tag : "gate";
    struct span text = file->target;

    file->is_stderr = span_equal(text, SPAN("stderr"));
    if (span_starts(text, SPAN("memory:")))
        return fail(why, RC_UNSUPPORTED, "a log in memory is not supported: name a file");
    if (!span_starts(text, SPAN("syslog:")))
        return RC_OK;
    file->syslog = arena_take(arena, sizeof *file->syslog);
    if (!file->syslog)
        return fail(why, RC_MEMORY, "no memory for a log");
    span_cut(&text, SPAN("syslog:").len);
    return syslog_target_parse(file->syslog, text, span_text(tag), why);
}

enum rc journal_add(struct journal_files *files, struct span target, struct arena *arena,
                    struct journal_file **out, struct fault *why)
{
    struct journal_file *file = find(files, target);
    enum rc rc;

    if (file) {
        *out = file;
        return RC_OK;
    }
    file = arena_take(arena, sizeof *file);
    if (!file)
        return fail(why, RC_MEMORY, "no memory for a log");
    file->target = arena_copy(arena, target);
    if (!file->target.at)
        return fail(why, RC_MEMORY, "no memory for a log");
    atomic_init(&file->fd, -1);
    if ((rc = open_target(files, file, arena, why)))
        return rc;
    file->next = files->first;
    files->first = file;
    *out = file;
    return RC_OK;
}

bool journal_is_stderr(const struct journal_file *file)
{
    return file->is_stderr;
}

int journal_fd(const struct journal_file *file)
{
    return file->syslog ? -1 : file->fd;
}

bool journal_is_syslog(const struct journal_file *file)
{
    return file->syslog;
}

enum rc journal_buffer(struct journal_file *file, size_t size, uint64_t flush_ms,
                       int gzip_level, struct arena *arena)
{
    const struct line_buffer *before = file->buffer;

    if (before)
        return before->size == size && before->flush_ms == flush_ms &&
                       before->gzip_level == gzip_level
                   ? RC_OK
                   : RC_FORMAT;
    file->buffer = line_buffer_make(size, flush_ms, gzip_level, arena);
    return file->buffer ? RC_OK : RC_MEMORY;
}

struct path_cache *journal_add_paths(struct journal_files *files,
                                     const struct path_cache_limits *limits,
                                     struct arena *arena)
{
    struct path_list *paths = arena_take(arena, sizeof *paths);

    if (!paths || !(paths->cache = path_cache_make(limits, arena)))
        return NULL;
    paths->next = files->paths;
    files->paths = paths;
    return paths->cache;
}

static enum rc open_path(const struct journal_file *file, int *fd, struct fault *why)
{
    const char *path = (const char *)file->target.at;

    *fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644);
    if (*fd >= 0)
        return RC_OK;
    return fail(why, RC_IO, "open() \"%s\" failed (%d: %s)", path, errno, strerror(errno));
}

static enum rc open_file(struct journal_file *file, int *fd, struct fault *why)
{
    if (file->syslog)
        return syslog_target_open(file->syslog, fd, why);
    if (!file->is_stderr)
        return open_path(file, fd, why);
    *fd = STDERR_FILENO;
    return RC_OK;
}

static void clear_paths(const struct journal_files *files)
{
    for (struct path_list *paths = files->paths; paths; paths = paths->next)
        path_cache_clear(paths->cache);
}

static void look_at(struct journal_file *file, int fd)
{
    struct stat stat;

    file->is_slow = !file->syslog && (fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode));
}

enum rc journal_open(struct journal_files *files, struct fault *why)
{
    enum rc rc = RC_OK;

    for (struct journal_file *f = files->first; f; f = f->next) {
        enum rc this_rc;
        int fd;

        if (f->fd >= 0)
            continue;
        if ((this_rc = open_file(f, &fd, rc ? NULL : why))) {
            rc = rc ? rc : this_rc;
            continue;
        }
        look_at(f, fd);
        f->fd = fd;
    }
    return rc;
}

/* May a line go into the pipe now? */
static bool is_ready(const struct journal_file *file, int fd)
{
    struct pollfd watch = {.fd = fd, .events = POLLOUT};

    if (!file->is_slow || poll(&watch, 1, file->dropping ? 0 : PATIENCE_MS) > 0)
        return true;
    errno = EAGAIN;
    return false;
}

static bool put(struct journal_file *file, int level, struct span line)
{
    const int fd = file->fd;
    ssize_t written;

    if (fd < 0) {
        errno = EBADF;
        return false;
    }
    if (file->syslog)
        return syslog_target_send(file->syslog, fd, level, line);
    if (!is_ready(file, fd))
        return false;
    do
        written = write(fd, line.at, line.len);
    while (written < 0 && errno == EINTR);
    if (written >= 0 && (size_t)written < line.len)
        errno = ENOSPC; /* a part went in: what a full disk has left */
    return written == (ssize_t)line.len;
}

bool journal_append(struct journal_file *file, int level, struct span line)
{
    const bool done = put(file, level, line);
    const int error = errno;

    if (atomic_load_explicit(&file->dropping, memory_order_relaxed) == !done)
        return done;
    if (!atomic_exchange(&file->dropping, !done) && !done)
        log_line(LOG_LEVEL_ALERT,
                 "write() to \"%s\" failed (%d: %s): lines are dropped until it works again",
                 (const char *)file->target.at, error, strerror(error));
    return done;
}

static void append_lines(void *of, struct span lines)
{
    (void)journal_append(of, JOURNAL_OWN_LEVEL, lines);
}

static void flush_file(struct journal_file *file)
{
    if (file->buffer)
        line_buffer_flush(file->buffer, append_lines, file);
}

void journal_flush(struct journal_files *files)
{
    for (struct journal_file *f = files->first; f; f = f->next)
        flush_file(f);
}

void journal_flush_due(struct journal_files *files)
{
    const uint64_t now_ms = clock_ms();

    for (struct journal_file *f = files->first; f; f = f->next) {
        uint64_t due_ms = f->buffer ? line_buffer_due(f->buffer) : 0;

        if (due_ms > 0 && due_ms <= now_ms)
            flush_file(f);
    }
}

/* A line that comes while nobody looks waits for the whole of its time: it is early enough to look then. */
static uint64_t file_wait_ms(const struct journal_file *file, uint64_t now_ms)
{
    uint64_t due_ms = file->buffer ? line_buffer_due(file->buffer) : 0;

    if (due_ms == 0)
        return file->buffer ? file->buffer->flush_ms : 0;
    return due_ms > now_ms ? due_ms - now_ms : 1;
}

uint64_t journal_wait_ms(const struct journal_files *files)
{
    const uint64_t now_ms = clock_ms();
    uint64_t least = 0;

    for (const struct journal_file *f = files->first; f; f = f->next) {
        uint64_t wait_ms = file_wait_ms(f, now_ms);

        if (wait_ms > 0 && (least == 0 || wait_ms < least))
            least = wait_ms;
    }
    return least;
}

/* The owner that shall write here later has the right to. */
static void give_to(int fd, uid_t owner)
{
    struct stat stat;

    if (owner == (uid_t)-1 || fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode))
        return;
    if ((stat.st_uid != owner && fchown(fd, owner, (gid_t)-1) < 0) ||
        ((stat.st_mode & 0600) != 0600 && fchmod(fd, stat.st_mode | 0600) < 0))
        log_line(LOG_LEVEL_WARN, "a log file keeps its owner: %s", strerror(errno));
}

/* Under the same number, in one step: a thread that writes right now hits one file or the other. */
static enum rc replace(struct journal_file *file, int fd, struct fault *why)
{
    enum rc rc = RC_OK;

    if (file->fd < 0) {
        file->fd = fd;
        return RC_OK;
    }
    if (dup3(fd, file->fd, O_CLOEXEC) < 0)
        rc = fail_errno(why, RC_IO, "\"%s\"", (const char *)file->target.at);
    close(fd);
    return rc;
}

static enum rc reopen(struct journal_file *file, uid_t owner, struct fault *why)
{
    enum rc rc;
    int fd;

    if (file->syslog || file->is_stderr)
        return RC_OK;
    flush_file(file);
    if ((rc = open_path(file, &fd, why)))
        return rc;
    give_to(fd, owner);
    look_at(file, fd);
    return replace(file, fd, why);
}

enum rc journal_reopen(struct journal_files *files, uid_t owner, struct fault *why)
{
    enum rc rc = RC_OK;

    for (struct journal_file *f = files->first; f; f = f->next) {
        enum rc this_rc = reopen(f, owner, rc ? NULL : why);

        rc = rc ? rc : this_rc;
    }
    clear_paths(files);
    return rc;
}

void journal_close(struct journal_files *files)
{
    journal_flush(files);
    clear_paths(files);
    for (struct journal_file *f = files->first; f; f = f->next) {
        if (f->fd >= 0 && !f->is_stderr)
            close(f->fd);
        f->fd = -1;
    }
    files->first = NULL;
    files->paths = NULL;
}

/* if= of access_log */
static bool is_wanted(const struct access_log *log, void *subject)
{
    char room[8];
    struct buffer value = buffer_over(room, sizeof room);

    if (log->condition.count == 0)
        return true;
    template_write(&log->condition, subject, &value);
    return value.full || (value.len > 0 && !span_equal(buffer_span(&value), SPAN("0")));
}

/* A path with variables, which may not lead out of its folders. */
static void append_to_path(struct path_cache *paths, const struct template *path,
                           void *subject, struct span line)
{
    char text[PATH_MAX_LOG];
    struct buffer out = buffer_over(text, sizeof text - 1);

    template_write(path, subject, &out);
    text[out.len] = '\0';
    if (out.full || memchr(text, 0, out.len) || strstr(text, "/../"))
        log_line(LOG_LEVEL_ERROR, "no log file can have the path \"%s\"", text);
    else if (!path_cache_append(paths, text, line))
        log_line(LOG_LEVEL_CRIT, "open() \"%s\" failed (%d: %s)", text, errno,
                 strerror(errno));
}

/* Files take many lines at once. A pipe may be full, and syslog wants a message for each. */
static bool takes_many(const struct journal_file *file)
{
    return file->fd >= 0 && !file->syslog && !file->is_stderr && !file->is_slow;
}

static void append_access(const struct journal_settings *settings,
                          const struct access_log *log, void *subject, struct span line,
                          struct journal_turn *turn)
{
    if (!log->file)
        append_to_path(settings->paths, &log->path, subject, line);
    else if (log->file->buffer)
        line_buffer_add(log->file->buffer, line, append_lines, log->file);
    else if (takes_many(log->file))
        journal_turn_add(turn, log->file, line);
    else
        (void)journal_append(log->file, JOURNAL_OWN_LEVEL, line);
}

void journal_access(const struct journal_settings *settings, void *subject,
                    struct buffer *scratch, struct journal_turn *turn)
{
    for (size_t i = 0; i < settings->access_count; i++) {
        const struct access_log *log = &settings->access[i];
        struct buffer line = buffer_over(scratch->at, scratch->size - 1);

        if (!is_wanted(log, subject))
            continue;
        access_line_write(log->format, subject, &line);
        line.size++;
        buffer_add_byte(&line, '\n');
        append_access(settings, log, subject, buffer_span(&line), turn);
    }
}

bool journal_wants(const struct error_log *logs, size_t count, enum log_level level)
{
    for (size_t i = 0; i < count; i++)
        if (level <= logs[i].level)
            return true;
    return false;
}

void journal_error(const struct error_log *logs, size_t count, enum log_level level,
                   const struct journal_context *context, const char *format, ...)
{
    char message[JOURNAL_ERROR_MAX], room[JOURNAL_ERROR_MAX];
    struct buffer line = buffer_over(room, sizeof room);
    va_list args;

    if (!journal_wants(logs, count, level))
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    error_line_write(level, context, span_text(message), &line);
    for (size_t i = 0; i < count; i++)
        if (level <= logs[i].level)
            (void)journal_append(logs[i].file, (int)level, buffer_span(&line));
}
