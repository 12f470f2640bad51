/*
 * What the tests in tests/vault/ drive: one call of the vault each, its rc as the exit status, and
 * the fault on standard error.
 *
 *   vault_tool read HEADER      the header is sound; says whether a repair is due
 *   vault_tool repair HEADER
 *   vault_tool unlock HEADER DATA PHRASE_FILE SLOT
 *                               the slot, the data's size, and the SHA-256 of it decrypted
 *   vault_tool create FILE PHRASE_FILE KDF SECTOR_SIZE [cheap]
 *   vault_tool add FILE PHRASE_FILE NEW_PHRASE_FILE SLOT
 *   vault_tool ask once|twice   how many bytes were typed on the terminal
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/hex.h"
#include "crypto/cipher.h"
#include "crypto/random.h"
#include "vault/credential/credential.h"
#include "vault/header/keyslot.h"
#include "vault/header/luks2_format.h"
#include "vault/unlock.h"

static enum rc run_read(char **words, struct fault *why)
{
    struct luks2 *header;
    struct device *device;
    enum rc rc;

    if ((rc = device_open_file(&device, words[0], true, DEVICE_SHARED, why)) != RC_OK)
        return rc;
    if ((rc = luks2_read(&header, device, why)) == RC_OK) {
        printf("sequence %" PRIu64 " repair %d %s\n", header->sequence, header->repair_due,
               header->damage.text);
        luks2_close(header);
    }
    device_close(device);
    return rc;
}

static enum rc run_repair(char **words, struct fault *why)
{
    struct luks2 *header;
    struct device *device;
    enum rc rc;

    if ((rc = device_open_file(&device, words[0], false, DEVICE_EXCLUSIVE, why)) != RC_OK)
        return rc;
    if ((rc = luks2_read(&header, device, why)) == RC_OK) {
        rc = luks2_repair(header, device, why);
        luks2_close(header);
    }
    device_close(device);
    return rc;
}

/* Decrypts all of the data and prints its hash. */
static enum rc print_data(struct device *device, const struct unlock *opened,
                          struct fault *why)
{
    const struct luks2_extent *extent = &opened->extent;
    uint8_t *bytes = malloc((size_t)extent->len), digest[HASH_SIZE_MAX];
    struct span all = span_of(bytes, (size_t)extent->len);
    struct cipher *cipher = NULL;
    char text[65];
    enum rc rc;

    if (!bytes)
        return fail(why, RC_MEMORY, "no memory for the data");
    if (extent->integrity)
        rc = fail(why, RC_UNSUPPORTED, "authenticated data are not known here, but to keep");
    else if ((rc = cipher_open(&cipher, extent->encryption, &opened->volume_key,
                               extent->sector_size, why)) == RC_OK &&
             (rc = device_read(device, extent->offset, bytes, all.len, why)) == RC_OK &&
             (rc = cipher_decrypt(cipher, extent->iv_tweak, bytes, bytes, all.len, why)) ==
                 RC_OK &&
             (rc = hash_compute(hash_find("sha256"), &all, 1, digest, why)) == RC_OK)
        printf("slot %u size %" PRIu64 " sha256 %s\n", opened->keyslot, extent->len,
               hex_encode(span_of(digest, 32), text));
    cipher_close(cipher);
    free(bytes);
    return rc;
}

static enum rc unlock_and_print(struct device *header_device, struct device *data,
                                char **words, struct fault *why)
{
    SCOPED(secret) phrase = {0};
    SCOPED(unlock) opened = {0};
    struct luks2 *header;
    enum rc rc;

    if ((rc = luks2_read(&header, header_device, why)) != RC_OK)
        return rc;
    if ((rc = credential_key_file(words[0], 0, 0, &phrase, why)) == RC_OK &&
        (rc = unlock(header, header_device, data->size, &phrase, atoi(words[1]), &opened,
                     why)) == RC_OK)
        rc = print_data(data, &opened, why);
    luks2_close(header);
    return rc;
}

static enum rc run_unlock(char **words, struct fault *why)
{
    struct device *header_device, *data;
    enum rc rc;

    if ((rc = device_open_file(&header_device, words[0], true, DEVICE_SHARED, why)) != RC_OK)
        return rc;
    if ((rc = device_open_file(&data, words[1], true, DEVICE_SHARED, why)) == RC_OK) {
        rc = unlock_and_print(header_device, data, words + 2, why);
        device_close(data);
    }
    device_close(header_device);
    return rc;
}

static enum rc choose_costs(const char *kdf, bool cheap, struct kdf_params *params,
                            struct fault *why)
{
    *params = (struct kdf_params){.kdf = kdf_find(kdf), .hash = hash_find("sha256")};
    if (!cheap)
        return kdf_calibrate(params, 2000, why);
    params->passes = params->kdf->takes_memory ? 4 : 1000;
    params->memory_kib = params->kdf->takes_memory ? 1024 : 0;
    params->lanes = params->kdf->takes_memory ? 2 : 0;
    return RC_OK;
}

static enum rc create_on(struct device *device, char **words, struct fault *why)
{
    struct luks2_format format = {
        .sector_size = (uint32_t)atoi(words[2]), .label = "a label", .subsystem = "tests"};
    SCOPED(secret) key = {0};
    SCOPED(secret) phrase = {0};
    struct luks2 *header = NULL;
    struct kdf_params params;
    enum rc rc;

    if ((rc = choose_costs(words[1], words[3] && strcmp(words[3], "cheap") == 0, &params,
                           why)) ||
        (rc = random_key(&key, LUKS2_FORMAT_KEY_SIZE, why)) ||
        (rc = credential_passphrase_file(words[0], &phrase, why)) ||
        (rc = luks2_format(&header, &format, &key, why)))
        return rc;
    if ((rc = luks2_format_wipe(header, device, why)) == RC_OK &&
        (rc = keyslot_add(header, device, KEYSLOT_ANY, &key, &phrase, &params, NULL, why)) ==
            RC_OK)
        rc = luks2_write(header, device, why);
    luks2_close(header);
    return rc;
}

static enum rc run_create(char **words, struct fault *why)
{
    struct device *device;
    enum rc rc;

    if ((rc = device_open_file(&device, words[0], false, DEVICE_EXCLUSIVE, why)) != RC_OK)
        return rc;
    rc = create_on(device, words + 1, why);
    device_close(device);
    return rc;
}

static enum rc add_on(struct device *device, struct luks2 *header, char **words,
                      struct fault *why)
{
    SCOPED(secret) old = {0};
    SCOPED(secret) new = {0};
    SCOPED(unlock) opened = {0};
    struct kdf_params params;
    unsigned used;
    enum rc rc;

    if ((rc = choose_costs("pbkdf2", true, &params, why)) ||
        (rc = credential_passphrase_file(words[0], &old, why)) ||
        (rc = credential_passphrase_file(words[1], &new, why)) ||
        (rc = unlock(header, device, device->size, &old, UNLOCK_ANY, &opened, why)) ||
        (rc = keyslot_add(header, device, atoi(words[2]), &opened.volume_key, &new, &params,
                          &used, why)) ||
        (rc = luks2_write(header, device, why)))
        return rc;
    printf("slot %u\n", used);
    return RC_OK;
}

static enum rc run_add(char **words, struct fault *why)
{
    struct device *device;
    struct luks2 *header;
    enum rc rc;

    if ((rc = device_open_file(&device, words[0], false, DEVICE_EXCLUSIVE, why)) != RC_OK)
        return rc;
    if ((rc = luks2_read(&header, device, why)) == RC_OK) {
        rc = add_on(device, header, words + 1, why);
        luks2_close(header);
    }
    device_close(device);
    return rc;
}

static enum rc run_ask(char **words, struct fault *why)
{
    SCOPED(secret) phrase = {0};
    struct credential terminal = {0};
    enum rc rc = credential_get(&terminal, "Passphrase: ", strcmp(words[0], "twice") == 0,
                                &phrase, why);

    if (rc == RC_OK)
        printf("%zu bytes\n", phrase.len);
    return rc;
}

static const struct {
    const char *name;
    int words;
    enum rc (*run)(char **words, struct fault *why);
} commands[] = {
    {"read", 1, run_read},     {"repair", 1, run_repair}, {"unlock", 4, run_unlock},
    {"create", 4, run_create}, {"add", 4, run_add},       {"ask", 1, run_ask},
};

int main(int argc, char **argv)
{
    struct fault why = {0};

    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[1], commands[i].name) == 0 && argc - 2 >= commands[i].words) {
            enum rc rc = commands[i].run(argv + 2, &why);

            if (rc != RC_OK)
                fprintf(stderr, "rc %d: %s\n", (int)rc, why.text);
            return (int)rc;
        }
    }
    return 100;
}
