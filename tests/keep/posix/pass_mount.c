/*
 * Shows a directory at another place through FUSE, as it is: what a mount costs, and does, without a cipher.
 * With "cipher" each block that is read or written costs what AES-256-GCM does, and nothing else of what
 * encryption takes: the result is thrown away. Never installed.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "crypto/aead.h"
#include "keep/mount/fuse_tree.h"
#include "keep/tree/pass/pass.h"

enum { BLOCK = 4096 };

static struct aead *cipher;
static const struct tree_kind *plain;

static void cost_of_cipher(const uint8_t *at, ssize_t len)
{
    static const uint8_t nonce[AEAD_NONCE], bound[16];
    alignas(64) uint8_t sealed[BLOCK], tag[AEAD_TAG];

    for (; len > 0; at += BLOCK, len -= BLOCK)
        aead_seal(cipher, nonce, span_of(bound, sizeof bound), at, sealed,
                  len < BLOCK ? (size_t)len : BLOCK, tag);
}

static ssize_t read_at_cost(struct tree *t, tree_handle file, void *at, size_t len,
                            uint64_t offset)
{
    ssize_t got = plain->read(t, file, at, len, offset);

    cost_of_cipher(at, got);
    return got;
}

static ssize_t write_at_cost(struct tree *t, tree_handle file, const void *at, size_t len,
                             uint64_t offset)
{
    cost_of_cipher(at, (ssize_t)len);
    return plain->write(t, file, at, len, offset);
}

static int add_cipher(struct tree *tree)
{
    static struct tree_kind kind;
    const uint8_t key[AEAD_KEY] = {0};

    plain = tree->kind;
    kind = *plain;
    kind.read = read_at_cost;
    kind.write = write_at_cost;
    tree->kind = &kind;
    cipher = aead_open(aead_find("aes-256-gcm"), key);
    return cipher ? 0 : -ENOMEM;
}

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
        fprintf(stderr, "usage: pass_mount DIRECTORY MOUNTPOINT [allow_other] [read_only] [cipher]\n");
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
    if (has_word(argv + 3, "cipher") && add_cipher(face.tree) != 0)
        fprintf(stderr, "pass_mount: no memory\n");
    else if (fuse_transport_open(&transport, &handler, &mount, &why) == RC_OK)
        status = serve(transport, signals);
    else
        fprintf(stderr, "pass_mount: %s\n", why.text);
    fuse_transport_close(transport);
    face.tree->kind->close(face.tree);
    aead_close(cipher);
    return status;
}
