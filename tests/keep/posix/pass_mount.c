/* Shows a directory at another place through FUSE, as it is: what a mount costs, and does, without
 * a cipher. Never installed. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "keep/mount/fuse_tree.h"
#include "keep/tree/pass/pass.h"

static int serve(struct fuse_transport *transport, int signals)
{
    struct pollfd events[] = {{.fd = fuse_transport_ended_fd(transport), .events = POLLIN},
                              {.fd = signals, .events = POLLIN}};

    puts("mounted");
    fflush(stdout);
    while (!(events[0].revents & POLLIN) && !(events[1].revents & POLLIN))
        (void)poll(events, 2, -1);
    return 0;
}

static bool has_word(char **words, const char *word)
{
    for (; *words; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    struct fuse_transport *transport = NULL;
    struct fuse_tree face = {.lifetime = FUSE_TREE_LIFETIME};
    struct fuse_handler handler = {.answer = fuse_tree_answer, .of = &face};
    struct fuse_mount mount = {.source = "pass", .default_permissions = true};
    struct fault why = {0};
    int signals, status = 1;
    sigset_t set;

    if (argc < 3) {
        fprintf(stderr, "usage: pass_mount DIRECTORY MOUNTPOINT [allow_other] [read_only]\n");
        return 2;
    }
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signals = signalfd(-1, &set, SFD_CLOEXEC);
    mount.directory = argv[2];
    mount.allow_other = has_word(argv + 3, "allow_other");
    mount.read_only = has_word(argv + 3, "read_only");
    if (pass_open(&face.tree, argv[1], mount.read_only, &why) != RC_OK) {
        fprintf(stderr, "pass_mount: %s\n", why.text);
        return 1;
    }
    if (fuse_transport_open(&transport, &handler, &mount, &why) == RC_OK)
        status = serve(transport, signals);
    else
        fprintf(stderr, "pass_mount: %s\n", why.text);
    fuse_transport_close(transport);
    face.tree->kind->close(face.tree);
    return status;
}
