#include "keep/mount/fusermount.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keep/mount/program.h"

static const char *const names[] = {"fusermount3", "fusermount"};

/* Takes the descriptor that stands beside one byte; -1 when there is none. */
static int receive_fd(int channel)
{
    char byte;
    struct iovec piece = {&byte, 1};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *head;
    ssize_t got;
    int fd = -1;

    while ((got = recvmsg(channel, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        ;
    head = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
        head->cmsg_len == CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(head), sizeof fd);
    return fd;
}

static enum rc mount_with(const char *name, const char *directory, const char *options,
                          int *fd, struct fault *why)
{
    const char *argv[] = {name, "-o", options, "--", directory, NULL};
    struct program program;
    int ends[2];
    enum rc rc;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return fail_errno(why, RC_IO, "%s: no channel", name);
    rc = program_start(&program, argv, ends[1], why);
    close(ends[1]);
    if (rc == RC_OK) {
        *fd = receive_fd(ends[0]);
        rc = program_finish(&program, name, why);
        if (rc != RC_OK && *fd >= 0)
            close(*fd);
        else if (rc == RC_OK && *fd < 0)
            rc = fail(why, RC_IO, "%s gave no connection", name);
    }
    close(ends[0]);
    return rc;
}

static enum rc not_installed(struct fault *why)
{
    return fail(why, RC_NOT_FOUND,
                "neither fusermount3 nor fusermount is installed; install the package fuse3");
}

enum rc fusermount_mount(const char *directory, const char *options, int *fd,
                         struct fault *why)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        enum rc rc = mount_with(names[i], directory, options, fd, why);

        if (rc != RC_NOT_FOUND)
            return rc;
    }
    return not_installed(why);
}

enum rc fusermount_unmount(const char *directory, struct fault *why)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *argv[] = {names[i], "-u", "--", directory, NULL};
        enum rc rc = program_run(argv, why);

        if (rc != RC_NOT_FOUND)
            return rc;
    }
    return not_installed(why);
}
