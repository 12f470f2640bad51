#include "gate/command/fmt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/options.h"
#include "base/scoped.h"
#include "base/text.h"
#include "gate/conf/layout.h"

enum { BYTES_MAX = 64 << 20 };

struct fmt_options {
    bool write, check, help;
};

static const struct option_row rows[] = {
    {"write", 'w', NULL, "Writes each file anew where that changes it.",
     offsetof(struct fmt_options, write)},
    {"check", 0, NULL,
     "Changes nothing, names the files that --write would change, and fails.",
     offsetof(struct fmt_options, check)},
    {"help", 'h', NULL, "Shows this.", offsetof(struct fmt_options, help)},
    {0},
};

static enum rc read_all(int fd, struct text *text, struct fault *why)
{
    char bytes[65536];
    ssize_t got;

    while ((got = read(fd, bytes, sizeof bytes)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_errno(why, RC_IO, "cannot be read");
        if (text->len > BYTES_MAX)
            return fail(why, RC_LIMIT, "larger than %d bytes", BYTES_MAX);
        text_add(text, span_of(bytes, (size_t)got));
    }
    return text_ok(text) ? RC_OK : fail(why, RC_MEMORY, "no memory for the text");
}

/* Beside the file, and then in its place, with its owner and mode. */
static enum rc replace(const char *path, const struct stat *about, const struct text *text,
                       struct fault *why)
{
    char beside[4096];
    int fd, length = snprintf(beside, sizeof beside, "%s.XXXXXX", path);
    bool done;

    if (length < 0 || (size_t)length >= sizeof beside)
        return fail(why, RC_LIMIT, "its name is too long");
    fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0)
        return fail_errno(why, RC_IO, "no file can be written beside it");
    done = fchown(fd, about->st_uid, about->st_gid) == 0 &&
           fchmod(fd, about->st_mode & 07777) == 0;
    for (size_t at = 0; done && at < text->len;) {
        ssize_t put = write(fd, text->at + at, text->len - at);

        done = put > 0 || (put < 0 && errno == EINTR);
        at += put > 0 ? (size_t)put : 0;
    }
    done = done && fsync(fd) == 0 && rename(beside, path) == 0;
    if (!done) {
        (void)fail_errno(why, RC_IO, "cannot be written anew");
        unlink(beside);
    }
    close(fd);
    return done ? RC_OK : why->rc;
}

/* A link is followed: what it leads to is written anew. */
static enum rc format_file(const char *path, const struct fmt_options *options, bool *changed,
                           struct fault *why)
{
    bool is_input = strcmp(path, "-") == 0;
    int fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    char *real = is_input ? NULL : realpath(path, NULL);
    SCOPED(text) before = {0};
    SCOPED(text) after = {0};
    struct lexer_token at = {0};
    struct stat about;
    enum rc rc;

    if (fd < 0 || fstat(fd, &about) < 0)
        rc = fail_errno(why, RC_IO, "cannot be opened");
    else
        rc = read_all(fd, &before, why);
    if (fd > STDIN_FILENO)
        close(fd);
    if (rc == RC_OK)
        rc = layout_write(text_span(&before), &after, &at, why);
    if (rc == RC_OK) {
        bool differs = !span_equal(text_span(&before), text_span(&after));

        *changed = *changed || differs;
        if (options->check && differs)
            printf("%s\n", path);
        else if (options->write && !options->check && differs && real)
            rc = replace(real, &about, &after, why);
        else if (!options->write && !options->check && after.at)
            fputs(after.at, stdout);
    }
    free(real);
    if (is_input)
        path = "standard input";
    if (rc == RC_FORMAT)
        return fault_at(why, "%s:%u:%u", path, at.line, at.column);
    return rc == RC_OK ? RC_OK : fault_at(why, "%s", path);
}

int fmt_run(char **words, int count, struct fault *why)
{
    struct fmt_options options = {0};
    bool changed = false, failed = false;

    if (options_parse(rows, &options, words, &count, why) != RC_OK)
        return EXIT_FAILURE;
    if (options.help) {
        puts("usage: gate fmt [--write | --check] [FILE ...]\n\n"
             "Lays configurations out: the words stay as they are.\n");
        options_print(rows);
        return EXIT_SUCCESS;
    }
    if (count == 0 && options.write) {
        (void)fail(why, RC_USAGE, "--write wants the files to write anew");
        return EXIT_FAILURE;
    }
    if (count == 0 && format_file("-", &options, &changed, why) != RC_OK)
        return EXIT_FAILURE;
    for (int i = 0; i < count; i++) {
        struct fault each = {0};

        if (format_file(words[i], &options, &changed, &each) == RC_OK)
            continue;
        if (failed)
            fprintf(stderr, "gate: %s\n", why->text);
        *why = each;
        failed = true;
    }
    return failed || (options.check && changed) ? EXIT_FAILURE : EXIT_SUCCESS;
}
