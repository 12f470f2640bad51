/*
 * Shows a directory at another place through FUSE, as it is: what a mount costs, and does, without a cipher.
 * With "cipher" each block that is read or written costs what AES-256-GCM does, each file that is opened or made
 * its own key, each name that is looked up, made or removed what sealing it does, and nothing else costs what
 * encryption takes: the results are thrown away. Never installed.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "keep/mount/fuse_tree.h"
#include "keep/tree/folder/file_header.h"
#include "keep/tree/folder/names.h"
#include "keep/tree/pass/pass.h"

enum { BLOCK = 4096 };

static struct folder_keys keys;
static struct file_header header; /* whose key each file gets again */
static struct aead *cipher;       /* of its blocks */
static const struct tree_kind *plain;

static void cost_of_blocks(const uint8_t *at, ssize_t len)
{
    static const uint8_t nonce[AEAD_NONCE], bound[16];
    alignas(64) uint8_t sealed[BLOCK], tag[AEAD_TAG];

    for (; len > 0; at += BLOCK, len -= BLOCK)
        aead_seal(cipher, nonce, span_of(bound, sizeof bound), at, sealed,
                  len < BLOCK ? (size_t)len : BLOCK, tag);
}

static void cost_of_name(const char *name)
{
    struct disk_name sealed;

    name_seal(&keys, header.id, name, &sealed);
}

static void cost_of_key(void)
{
    uint8_t file_key[FOLDER_FILE_KEY];

    if (file_header_key(&header, &keys, header.epoch, file_key))
        aead_close(folder_keys_epoch(&keys, file_key, 0));
}

static void cost_of_new_key(void)
{
    struct file_header fresh;
    uint8_t file_key[FOLDER_FILE_KEY];

    if (file_header_new(&fresh, &keys, file_key))
        aead_close(folder_keys_epoch(&keys, file_key, 0));
}

static int look_up_at_cost(struct tree *t, uint64_t parent, const char *name,
                           struct tree_entry *out)
{
    cost_of_name(name);
    return plain->look_up(t, parent, name, out);
}

static int create_at_cost(struct tree *t, uint64_t parent, const char *name,
                          const struct tree_new *what, int flags, struct tree_entry *out,
                          tree_handle *file)
{
    cost_of_name(name);
    cost_of_new_key();
    return plain->create(t, parent, name, what, flags, out, file);
}

static int unlink_at_cost(struct tree *t, uint64_t parent, const char *name)
{
    cost_of_name(name);
    return plain->unlink(t, parent, name);
}

static int open_at_cost(struct tree *t, uint64_t node, int flags, tree_handle *file)
{
    cost_of_key();
    return plain->open(t, node, flags, file);
}

static ssize_t read_at_cost(struct tree *t, tree_handle file, void *at, size_t len,
                            uint64_t offset)
{
    ssize_t got = plain->read(t, file, at, len, offset);

    cost_of_blocks(at, got);
    return got;
}

static ssize_t write_at_cost(struct tree *t, tree_handle file, const void *at, size_t len,
                             uint64_t offset)
{
    cost_of_blocks(at, (ssize_t)len);
    return plain->write(t, file, at, len, offset);
}

static enum rc open_cipher(struct fault *why)
{
    const struct folder_format format = {.cipher = "aes-256-gcm"};
    SCOPED(secret) volume_key = {0};
    uint8_t file_key[FOLDER_FILE_KEY];
    enum rc rc;

    if ((rc = secret_alloc(&volume_key, 64, why)) ||
        (rc = folder_keys_open(&keys, &format, &volume_key, why)))
        return rc;
    if (!file_header_new(&header, &keys, file_key))
        return fail(why, RC_MEMORY, "no key for a file");
    cipher = folder_keys_epoch(&keys, file_key, 0);
    return cipher ? RC_OK : fail(why, RC_MEMORY, "no memory for a cipher");
}

static enum rc add_cipher(struct tree *tree, struct fault *why)
{
    static struct tree_kind kind;

    plain = tree->kind;
    kind = *plain;
    kind.look_up = look_up_at_cost;
    kind.create = create_at_cost;
    kind.unlink = unlink_at_cost;
    kind.open = open_at_cost;
    kind.read = read_at_cost;
    kind.write = write_at_cost;
    tree->kind = &kind;
    return open_cipher(why);
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
    if ((has_word(argv + 3, "cipher") && add_cipher(face.tree, &why) != RC_OK) ||
        fuse_transport_open(&transport, &handler, &mount, &why) != RC_OK)
        fprintf(stderr, "pass_mount: %s\n", why.text);
    else
        status = serve(transport, signals);
    fuse_transport_close(transport);
    face.tree->kind->close(face.tree);
    aead_close(cipher);
    folder_keys_clear(&keys);
    return status;
}
