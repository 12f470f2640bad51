#include "gate/command/tell.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "gate/command/pid_file.h"

static const struct {
    const char *word;
    int number;
} words[] = {{"stop", SIGTERM}, {"quit", SIGQUIT}, {"reopen", SIGUSR1}, {"reload", SIGHUP}};

int tell_signal(const char *word)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].word, word) == 0)
            return words[i].number;
    return 0;
}

enum rc tell_send(const char *pid_path, int number, struct fault *why)
{
    enum rc rc;
    pid_t pid;

    if ((rc = pid_file_read(pid_path, &pid, why)) != RC_OK)
        return rc;
    if (kill(pid, number) != 0)
        return fail(why, RC_IO, "kill(%d, %d) failed (%d: %s)", (int)pid, number, errno,
                    strerrordesc_np(errno));
    return RC_OK;
}
