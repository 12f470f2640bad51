/*
 * What stands in a folder, by somebody who has its key perhaps: the first byte says what, the rest is the
 * body of a header, the bytes of a page, or a name.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/generator.h"
#include "keep/tree/folder/directory_header.h"
#include "keep/tree/folder/names.h"
#include "keep/tree/folder/tag_page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY = 112, NONCE = 80, TAG = 92 };

static struct folder_keys keys;
static uint8_t file_key[FOLDER_FILE_KEY], page[FOLDER_PAGE];
static struct aead *aead;

static void begin(void)
{
    const struct folder_format format = {.cipher = "chacha20-poly1305"};
    struct file_header header;
    struct secret key = {0};

    if (secret_alloc(&key, 64, NULL) != RC_OK ||
        folder_keys_open(&keys, &format, &key, NULL) != RC_OK ||
        !file_header_new(&header, &keys, file_key) ||
        !(aead = folder_keys_epoch(&keys, file_key, 0)) ||
        !file_header_seal(&header, aead, page))
        abort();
    secret_clear(&key);
}

/* An authentic header with a body that nobody of ours wrote. */
static void read_header(const uint8_t *data, size_t size)
{
    uint8_t body[FOLDER_PAGE - BODY] = {0}, key[FOLDER_FILE_KEY];
    struct file_header header;

    memcpy(body, data, size < sizeof body ? size : sizeof body);
    if (!aead_seal(aead, page + NONCE, span_of(page, NONCE), body, page + BODY, sizeof body,
                   page + TAG) ||
        !file_header_unwrap(&header, &keys, page, key))
        abort();
    if (!file_header_unseal(&header, aead, page))
        return;
    /* What was accepted is written again, and read again as the same. */
    if (!file_header_seal(&header, aead, page) || !file_header_unseal(&header, aead, page))
        abort();
}

static void read_page(const uint8_t *data, size_t size)
{
    uint8_t bytes[FOLDER_PAGE] = {0}, key[FOLDER_FILE_KEY];
    struct directory_header directory;
    struct file_header header;
    struct tag_page tags;

    memcpy(bytes, data, size < sizeof bytes ? size : sizeof bytes);
    if (file_header_unwrap(&header, &keys, bytes, key))
        (void)!file_header_unseal(&header, aead, bytes);
    (void)!tag_page_read(&tags, aead, 0, bytes);
    (void)!directory_header_unseal(&directory, &keys, bytes);
}

static void read_name(const uint8_t *data, size_t size)
{
    static const uint8_t id[FOLDER_ID];
    char text[NAME_MAX + 1], name[NAME_MAX + 1], target[PATH_MAX];
    uint8_t tag[FOLDER_TAG] = {0};

    (void)target_unseal(&keys, tag, span_of(data, size), target);
    if (size > NAME_MAX || memchr(data, '/', size) || memchr(data, 0, size))
        return;
    memcpy(text, data, size);
    text[size] = '\0';
    (void)name_unseal(&keys, id, -1, text, name, tag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!aead)
        begin();
    if (size == 0)
        return 0;
    if (data[0] == 'h')
        read_header(data + 1, size - 1);
    else if (data[0] == 'p')
        read_page(data + 1, size - 1);
    else
        read_name(data + 1, size - 1);
    return 0;
}
