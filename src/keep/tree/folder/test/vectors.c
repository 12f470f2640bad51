/* The vectors of docs/formats/folder.md, which another program has computed: the page is the argument. */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/test/check.h"
#include "codec/hex.h"
#include "keep/tree/folder/directory_header.h"
#include "keep/tree/folder/names.h"
#include "keep/tree/folder/tag_page.h"

enum { TEXT_MAX = 64 << 10 };

static char text[TEXT_MAX];
static struct folder_keys keys;
static uint8_t directory[FOLDER_ID], file_id[FOLDER_ID], file_key[FOLDER_FILE_KEY];

static void count_up(uint8_t *out, size_t len, uint8_t first)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(first + i);
}

/* A row of the table. */
static void expect(const char *what, const char *value)
{
    char row[1024];

    snprintf(row, sizeof row, "| %s | `%s` |", what, value);
    if (!strstr(text, row))
        print_error("not in the page: %s\n", row);
    assert_non_null(strstr(text, row));
}

static void expect_bytes(const char *what, const void *bytes, size_t len)
{
    char digits[512];

    hex_encode(span_of(bytes, len), digits);
    expect(what, digits);
}

static int set_up(void **state)
{
    const struct folder_format format = {.cipher = "aes-256-gcm"};
    SCOPED(secret) key = {0};

    (void)state;
    count_up(directory, sizeof directory, 0xa0);
    count_up(file_id, sizeof file_id, 0xb0);
    count_up(file_key, sizeof file_key, 0xc0);
    if (secret_alloc(&key, 64, NULL) != RC_OK)
        return -1;
    count_up(key.at, 64, 0);
    return folder_keys_open(&keys, &format, &key, NULL) == RC_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    folder_keys_clear(&keys);
    return 0;
}

static void names_and_directories(void **state)
{
    struct directory_header header = {.bindings.count = 1};
    uint8_t bytes[DIRECTORY_HEADER_SIZE];
    char target[PATH_MAX];
    struct disk_name name;

    (void)state;
    assert_int_equal(name_seal(&keys, directory, "letter", &name), 0);
    expect("`letter` on the disk", name.text);
    expect_bytes("its tag", name.tag, sizeof name.tag);
    assert_int_equal(target_seal(&keys, name.tag, "../a/b", target), 0);
    expect("a link `letter` to `../a/b`", target);
    memcpy(header.id, directory, sizeof directory);
    memcpy(header.bindings.tags[0], name.tag, sizeof name.tag);
    assert_true(directory_header_seal(&header, &keys, bytes));
    expect_bytes("`keep.dir`, bound to that tag: bytes 32 to 95", bytes + 32, 64);
}

static void files(void **state)
{
    static uint8_t block[FOLDER_PAGE], sealed[FOLDER_PAGE];
    struct file_header header = {0};
    uint8_t nonce[AEAD_NONCE], tag[AEAD_TAG], number[16], back[FOLDER_FILE_KEY];
    const struct span start = SPAN("keepfile\1\0\0");
    const struct span bound[] = {span_of(start.at, 12), span_of(file_id, FOLDER_ID)};

    (void)state;
    assert_true(siv_seal(keys.files, bound, 2, file_key, sizeof file_key, header.wrapped));
    expect_bytes("the file key, wrapped", header.wrapped, sizeof header.wrapped);
    memcpy(header.id, file_id, sizeof file_id);
    assert_true(file_header_key(&header, &keys, 0, back));
    assert_memory_equal(back, file_key, sizeof file_key);
    memset(block, 'x', sizeof block);
    count_up(nonce, sizeof nonce, 0);
    le64_put(number, 5);
    le64_put(number + 8, 1);
    for (uint32_t epoch = 0; epoch < 2; epoch++) {
        struct aead *aead = folder_keys_epoch(&keys, file_key, epoch);
        struct tag_entry entry = {.epoch = epoch};

        assert_non_null(aead);
        assert_true(aead_seal(aead, nonce, span_of(number, sizeof number), block, sealed,
                              sizeof block, tag));
        expect_bytes(epoch ? "tag of block 5 in epoch 1" : "tag of block 5 in epoch 0", tag,
                     sizeof tag);
        if (epoch == 0)
            expect_bytes("its first 16 bytes in epoch 0", sealed, 16);
        memcpy(entry.nonce, nonce, sizeof nonce);
        memcpy(entry.tag, tag, sizeof tag);
        assert_true(tag_unseal_block(&entry, aead, 5, sealed, sealed));
        assert_memory_equal(sealed, block, sizeof block);
        aead_close(aead);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_directories),
        cmocka_unit_test(files),
    };
    FILE *page = argc > 1 ? fopen(argv[1], "r") : NULL;

    if (!page || fread(text, 1, sizeof text - 1, page) == 0)
        return 1;
    fclose(page);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
