#include "keep/tree/folder/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "codec/base64url.h"

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_left_over(const char *text)
{
    return starts(text, NAME_GONE) || starts(text, NAME_NEW);
}

static bool is_own(const char *text)
{
    return strcmp(text, NAME_DIRECTORY) == 0 || strcmp(text, NAME_HEADER) == 0 ||
           strcmp(text, NAME_ASIDE) == 0;
}

/* The end of a long name's two names on the disk. */
static void put_tag(char *out, size_t size, const char *prefix, const uint8_t tag[FOLDER_TAG])
{
    char text[BASE64URL_LEN(FOLDER_TAG) + 1];

    base64url_encode(span_of(tag, FOLDER_TAG), text);
    snprintf(out, size, "%s%s", prefix, text);
}

int name_seal(const struct folder_keys *keys, const uint8_t directory[FOLDER_ID],
              const char *name, struct disk_name *out)
{
    const struct span bound = span_of(directory, FOLDER_ID);
    uint8_t sealed[NAME_SEALED_MAX];
    size_t len = strlen(name);

    if (len > NAME_MAX)
        return -ENAMETOOLONG;
    if (keys->plain_names && (is_own(name) || is_left_over(name)))
        return -EPERM;
    if (len == 0 || !siv_seal(keys->names, &bound, 1, name, len, sealed))
        return -EIO;
    len += SIV_TAG;
    memcpy(out->tag, sealed, FOLDER_TAG);
    out->beside_len = 0;
    if (keys->plain_names) {
        strcpy(out->text, name);
    } else if (BASE64URL_LEN(len) <= NAME_MAX) {
        base64url_encode(span_of(sealed, len), out->text);
    } else {
        put_tag(out->text, sizeof out->text, NAME_LONG, out->tag);
        put_tag(out->beside_name, sizeof out->beside_name, NAME_BESIDE, out->tag);
        memcpy(out->beside, sealed, len);
        out->beside_len = len;
    }
    return 0;
}

/* The sealed name beside a long one; its length, or -1. */
static int read_beside(int at, const char *text, uint8_t sealed[NAME_SEALED_MAX])
{
    char path[NAME_MAX + 1];
    ssize_t got;
    int fd;

    snprintf(path, sizeof path, NAME_BESIDE "%s", text + strlen(NAME_LONG));
    fd = openat(at, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    got = read(fd, sealed, NAME_SEALED_MAX);
    close(fd);
    return (int)got;
}

static bool is_long_name_of(const char *text, const uint8_t tag[FOLDER_TAG])
{
    char right[64];

    put_tag(right, sizeof right, NAME_LONG, tag);
    return strcmp(right, text) == 0;
}

static bool is_name(const char *name, size_t len)
{
    return len > 0 && len <= NAME_MAX && !memchr(name, '/', len) && !memchr(name, '\0', len) &&
           !(len <= 2 && name[0] == '.' && name[len - 1] == '.');
}

enum name_kind name_unseal(const struct folder_keys *keys, const uint8_t directory[FOLDER_ID],
                           int at, const char *text, char out[NAME_MAX + 1],
                           uint8_t tag[FOLDER_TAG])
{
    const struct span bound = span_of(directory, FOLDER_ID);
    bool is_long = starts(text, NAME_LONG);
    uint8_t sealed[NAME_SEALED_MAX];
    struct disk_name disk;
    int len;

    if (is_left_over(text))
        return NAME_LEFT_OVER;
    if (is_own(text) || (!keys->plain_names && starts(text, NAME_BESIDE)))
        return NAME_OF_FOLDER;
    if (keys->plain_names) {
        if (name_seal(keys, directory, text, &disk) != 0)
            return NAME_FOREIGN;
        strcpy(out, text);
        memcpy(tag, disk.tag, FOLDER_TAG);
        return NAME_OF_ENTRY;
    }
    len = is_long ? read_beside(at, text, sealed)
                  : base64url_decode(span_text(text), sealed, sizeof sealed);
    if (len <= SIV_TAG || !siv_unseal(keys->names, &bound, 1, sealed, (size_t)len, out) ||
        !is_name(out, (size_t)len - SIV_TAG) || (is_long && !is_long_name_of(text, sealed)))
        return NAME_FOREIGN;
    out[len - SIV_TAG] = '\0';
    memcpy(tag, sealed, FOLDER_TAG);
    return NAME_OF_ENTRY;
}

static const uint8_t no_tag[FOLDER_TAG];

int target_seal(const struct folder_keys *keys, const uint8_t *tag, const char *target,
                char out[PATH_MAX])
{
    const struct span bound = span_of(tag ? tag : no_tag, FOLDER_TAG);
    uint8_t sealed[TARGET_MAX + SIV_TAG];
    size_t len = strlen(target);

    if (len > TARGET_MAX)
        return -ENAMETOOLONG;
    if (len == 0 || !siv_seal(keys->links, &bound, 1, target, len, sealed))
        return -EIO;
    base64url_encode(span_of(sealed, len + SIV_TAG), out);
    return 0;
}

ssize_t target_unseal(const struct folder_keys *keys, const uint8_t tag[FOLDER_TAG],
                      struct span text, char out[PATH_MAX])
{
    const struct span bound = span_of(tag, FOLDER_TAG), unbound = span_of(no_tag, FOLDER_TAG);
    uint8_t sealed[TARGET_MAX + SIV_TAG];
    int len = base64url_decode(text, sealed, sizeof sealed);

    if (len <= SIV_TAG || (!siv_unseal(keys->links, &bound, 1, sealed, (size_t)len, out) &&
                           !siv_unseal(keys->links, &unbound, 1, sealed, (size_t)len, out)))
        return -EIO;
    return len - SIV_TAG;
}

size_t target_len(size_t len)
{
    size_t bytes = len * 3 / 4;

    return bytes > SIV_TAG ? bytes - SIV_TAG : 0;
}
