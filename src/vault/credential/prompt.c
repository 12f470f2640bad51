#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "vault/credential/credential.h"

enum { LINE_MAX_BYTES = 4095 }; /* what a terminal takes on one line */

/* Signals that end or stop a program, while its terminal does not show what is typed. */
static const int caught[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,
                             SIGTSTP, SIGTTIN, SIGTTOU, SIGALRM};

enum { CAUGHT = sizeof caught / sizeof *caught };

static volatile sig_atomic_t received;

static void note(int number)
{
    received = number;
}

/* A terminal that is silent for as long as this lasts. */
struct silence {
    int fd;
    struct termios before;
    struct sigaction actions[CAUGHT];
    sigset_t mask; /* signals arrive only while it is waited for bytes, so none can slip by */
};

static enum rc silence_begin(struct silence *s, struct fault *why)
{
    struct sigaction catching = {.sa_handler = note}; /* no SA_RESTART: read(2) returns */
    struct termios silent;
    sigset_t blocked;

    if ((s->fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) < 0)
        return fail_errno(
            why, RC_IO,
            "there is no terminal to ask on (name a file with --passphrase-file or "
            "--key-file)");
    if (tcgetattr(s->fd, &s->before) != 0) {
        close(s->fd);
        return fail_errno(why, RC_IO, "/dev/tty: cannot tell how the terminal is set");
    }
    received = 0;
    sigemptyset(&blocked);
    for (int i = 0; i < CAUGHT; i++)
        sigaddset(&blocked, caught[i]);
    pthread_sigmask(SIG_BLOCK, &blocked, &s->mask);
    for (int i = 0; i < CAUGHT; i++)
        sigaction(caught[i], &catching, &s->actions[i]);
    silent = s->before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    silent.c_lflag |= ICANON | ISIG;
    tcsetattr(s->fd, TCSAFLUSH, &silent);
    return RC_OK;
}

/* As it was; then the signal that came meanwhile does what it does. */
static void silence_end(struct silence *s)
{
    tcsetattr(s->fd, TCSAFLUSH, &s->before);
    for (int i = 0; i < CAUGHT; i++)
        sigaction(caught[i], &s->actions[i], NULL);
    close(s->fd);
    pthread_sigmask(SIG_SETMASK, &s->mask, NULL);
    if (received)
        raise(received);
}

static void show(int fd, const char *text)
{
    ssize_t shown = write(fd, text, strlen(text));

    (void)shown; /* a prompt that nobody sees is answered or not */
}

/* Bytes that were typed; -1 with EINTR when a signal came first. */
static ssize_t read_some(const struct silence *s, uint8_t *at, size_t size)
{
    struct pollfd typed = {.fd = s->fd, .events = POLLIN};

    return ppoll(&typed, 1, NULL, &s->mask) < 0 ? -1 : read(s->fd, at, size);
}

/* One line without its newline. */
static enum rc read_line(const struct silence *silence, struct secret *secret,
                         struct fault *why)
{
    size_t len = 0;

    while (len < secret->len) {
        ssize_t got = read_some(silence, secret->at + len, secret->len - len);

        if (got < 0 && errno == EINTR && !received)
            continue;
        if (got < 0)
            return fail_errno(why, RC_IO, "no passphrase was read from the terminal");
        if (got == 0 && len == 0)
            return fail(why, RC_END, "no passphrase was given");
        if (got == 0)
            break;
        len += (size_t)got;
        if (secret->at[len - 1] == '\n') {
            secret_cut(secret, len - 1);
            return RC_OK;
        }
    }
    if (len == secret->len)
        return fail(why, RC_LIMIT, "a passphrase on a terminal has at most %d bytes",
                    LINE_MAX_BYTES);
    secret_cut(secret, len);
    return RC_OK;
}

enum rc credential_ask(const char *prompt, struct secret *secret, struct fault *why)
{
    struct silence silence;
    enum rc rc;

    if ((rc = secret_alloc(secret, LINE_MAX_BYTES + 1, why)) ||
        (rc = silence_begin(&silence, why))) {
        secret_clear(secret);
        return rc;
    }
    show(silence.fd, prompt);
    rc = read_line(&silence, secret, why);
    show(silence.fd, "\n");
    silence_end(&silence);
    if (rc != RC_OK)
        secret_clear(secret);
    return rc;
}
