/* Runs a fuzzer's function once for each file of the folders and files it is given. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static size_t replayed;

static void replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    uint8_t *bytes;

    if (!file || fstat(fileno(file), &st) != 0 || !(bytes = malloc((size_t)st.st_size + 1))) {
        perror(path);
        exit(1);
    }
    if (fread(bytes, 1, (size_t)st.st_size, file) != (size_t)st.st_size) {
        perror(path);
        exit(1);
    }
    fclose(file);
    /* of its exact size, so that a sanitizer sees a read behind its end */
    bytes = realloc(bytes, st.st_size > 0 ? (size_t)st.st_size : 1);
    LLVMFuzzerTestOneInput(bytes, (size_t)st.st_size);
    free(bytes);
    replayed++;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        struct dirent *entry;

        if (!dir) {
            replay(argv[i]);
            continue;
        }
        while ((entry = readdir(dir))) {
            char path[4096];

            if (entry->d_name[0] == '.')
                continue;
            snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
            replay(path);
        }
        closedir(dir);
    }
    printf("%zu inputs replayed\n", replayed);
    return replayed > 0 ? 0 : 1;
}
