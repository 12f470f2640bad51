#include "keep/mount/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHANNEL_FD = 3, LINE_MAX_SHOWN = 160 };

extern char **environ;

/* The environment with two words before it; NULL when there is no memory. */
static const char **environment(void)
{
    size_t count = 0;
    const char **words;

    while (environ[count])
        count++;
    words = calloc(count + 3, sizeof *words);
    if (!words)
        return NULL;
    words[0] = "LC_ALL=C";
    words[1] = "_FUSE_COMMFD=3";
    for (size_t i = 0, at = 2; i < count; i++)
        if (strncmp(environ[i], "LC_ALL=", 7) != 0 &&
            strncmp(environ[i], "_FUSE_COMMFD=", 13) != 0)
            words[at++] = environ[i];
    return words;
}

static int spawn(struct program *program, const char *const argv[], int channel)
{
    const char **words = environment();
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    int error;

    if (!words)
        return ENOMEM;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGXFSZ);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, program->errors, 2);
    if (channel >= 0)
        posix_spawn_file_actions_adddup2(&actions, channel, CHANNEL_FD);
    error = posix_spawnp(&program->pid, argv[0], &actions, &attributes,
                         (char **)(uintptr_t)argv, (char **)(uintptr_t)words);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    free(words);
    return error;
}

enum rc program_start(struct program *program, const char *const argv[], int channel,
                      struct fault *why)
{
    int error;

    program->errors = memfd_create("errors", MFD_CLOEXEC);
    if (program->errors < 0)
        return fail_errno(why, RC_IO, "%s: no memory for its messages", argv[0]);
    error = spawn(program, argv, channel);
    if (error != 0) {
        close(program->errors);
        errno = error;
        return fail_errno(why, error == ENOENT ? RC_NOT_FOUND : RC_IO, "%s", argv[0]);
    }
    return RC_OK;
}

/* "resize2fs 1.47.0 (5-Feb-2023)" says nothing of what happened. */
static bool is_banner(const char *line, const char *program)
{
    const char *slash = strrchr(program, '/'), *name = slash ? slash + 1 : program;
    size_t len = strlen(name);

    return strncmp(line, name, len) == 0 && line[len] == ' ' && line[len + 1] >= '0' &&
           line[len + 1] <= '9';
}

/* The first line of what it wrote to say why. */
static const char *first_line(int errors, const char *program, char text[LINE_MAX_SHOWN])
{
    ssize_t got = pread(errors, text, LINE_MAX_SHOWN - 1, 0);
    char *line = text;

    text[got > 0 ? got : 0] = '\0';
    if (is_banner(line, program))
        line += strcspn(line, "\n");
    line += strspn(line, "\n");
    line[strcspn(line, "\n")] = '\0';
    return line;
}

enum rc program_finish(struct program *program, const char *name, struct fault *why)
{
    char text[LINE_MAX_SHOWN];
    const char *line;
    int status = 0;

    while (waitpid(program->pid, &status, 0) < 0 && errno == EINTR)
        ;
    line = first_line(program->errors, name, text);
    close(program->errors);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return RC_OK;
    if (WIFSIGNALED(status))
        return fail(why, RC_IO, "%s was ended by signal %d", name, WTERMSIG(status));
    return fail(why, strstr(line, "busy") ? RC_BUSY : RC_IO, "%s failed: %s", name,
                line[0] ? line : "it gave no reason");
}

enum rc program_run(const char *const argv[], struct fault *why)
{
    struct program program;
    enum rc rc = program_start(&program, argv, -1, why);

    return rc != RC_OK ? rc : program_finish(&program, argv[0], why);
}
