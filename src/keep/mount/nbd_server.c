#include "keep/mount/nbd_server.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/secret.h"
#include "keep/mount/nbd_connection.h"

enum { CLIENTS_MAX = 32, BACKLOG = 16, SOCKET_BUFFER = 2 << 20 };

struct client {
    struct nbd_server *server;
    pthread_t thread;
    uint8_t *buffer;
    int fd;           /* -1: nobody */
    atomic_bool left; /* the thread is about to end */
};

struct nbd_server {
    struct device *device;
    struct nbd_export export;
    struct record *record;
    int fd;
    pthread_mutex_t lock; /* of `count`, and of what the record says */
    unsigned count;
    struct client clients[CLIENTS_MAX];
};

static void count_client(struct nbd_server *server, int change)
{
    pthread_mutex_lock(&server->lock);
    server->count += (unsigned)change;
    record_mark_used(server->record, server->count > 0);
    pthread_mutex_unlock(&server->lock);
}

static void *serve(void *of)
{
    struct client *client = of;
    struct nbd_server *server = client->server;

    nbd_connection_run(client->fd, server->device, &server->export, client->buffer);
    wipe(client->buffer, NBD_BUFFER);
    shutdown(client->fd, SHUT_RDWR);
    count_client(server, -1);
    atomic_store(&client->left, true);
    return NULL;
}

static void clear_client(struct client *client)
{
    pthread_join(client->thread, NULL);
    munmap(client->buffer, NBD_BUFFER);
    close(client->fd);
    client->fd = -1;
}

/* A free place, also one that somebody has left; NULL for none. */
static struct client *find_place(struct nbd_server *server)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &server->clients[i];

        if (client->fd >= 0 && atomic_load(&client->left))
            clear_client(client);
        if (client->fd < 0)
            return client;
    }
    return NULL;
}

static bool begin_client(struct client *client, int fd)
{
    static const int size = SOCKET_BUFFER;

    client->buffer = mmap(NULL, NBD_BUFFER, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (client->buffer == MAP_FAILED)
        return false;
    mlock(client->buffer, NBD_BUFFER); /* where it is permitted */
    madvise(client->buffer, NBD_BUFFER, MADV_DONTDUMP);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    client->fd = fd;
    atomic_store(&client->left, false);
    count_client(client->server, 1);
    if (pthread_create(&client->thread, NULL, serve, client) == 0)
        return true;
    count_client(client->server, -1);
    munmap(client->buffer, NBD_BUFFER);
    client->fd = -1;
    return false;
}

void nbd_server_accept(struct nbd_server *server)
{
    struct client *client;
    int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return;
    client = find_place(server);
    if (!client || !begin_client(client, fd))
        close(fd);
}

/* Nobody else may connect from the moment on when it is there. */
static enum rc listen_at(struct nbd_server *server, const char *path, struct fault *why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    mode_t mask;
    int bound;

    if (strlen(path) >= sizeof address.sun_path)
        return fail(why, RC_LIMIT, "%s: a socket's path has at most %zu bytes", path,
                    sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->fd < 0)
        return fail_errno(why, RC_IO, "%s: no socket", path);
    mask = umask(0177);
    bound = bind(server->fd, (const struct sockaddr *)&address, sizeof address);
    umask(mask);
    if (bound < 0 && errno == EADDRINUSE)
        return fail(why, RC_BUSY, "%s: is there already", path);
    if (bound < 0)
        return fail_errno(why, RC_IO, "%s: cannot be made", path);
    if (listen(server->fd, BACKLOG) == 0)
        return RC_OK;
    unlink(path);
    return fail_errno(why, RC_IO, "%s", path);
}

enum rc nbd_server_open(struct nbd_server **out, struct device *device,
                        const struct nbd_export *export, struct record *record,
                        struct fault *why)
{
    struct nbd_server *server = calloc(1, sizeof *server);
    enum rc rc;

    if (!server)
        return fail(why, RC_MEMORY, "no memory to serve %s", record->mountpoint);
    server->device = device;
    server->export = *export;
    server->export.unbroken_max = NBD_BUFFER;
    server->record = record;
    pthread_mutex_init(&server->lock, NULL);
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        server->clients[i] = (struct client){.server = server, .fd = -1};
    if ((rc = listen_at(server, record->mountpoint, why)) != RC_OK) {
        if (server->fd >= 0)
            close(server->fd);
        free(server);
        return rc;
    }
    *out = server;
    return RC_OK;
}

int nbd_server_fd(const struct nbd_server *server)
{
    return server->fd;
}

bool nbd_server_is_used(struct nbd_server *server)
{
    bool used;

    pthread_mutex_lock(&server->lock);
    used = server->count > 0;
    pthread_mutex_unlock(&server->lock);
    return used;
}

void nbd_server_close(struct nbd_server *server)
{
    if (!server)
        return;
    unlink(server->record->mountpoint);
    close(server->fd);
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        if (server->clients[i].fd >= 0) {
            shutdown(server->clients[i].fd, SHUT_RDWR);
            clear_client(&server->clients[i]);
        }
    pthread_mutex_destroy(&server->lock);
    free(server);
}
