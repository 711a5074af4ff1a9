/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over the files of the folders on its command line; needs no fuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES_MAX = 1 << 20, PATH_BYTES = 4096 };

static int run(const char *path)
{
    static uint8_t data[INPUT_BYTES_MAX];
    FILE *in = fopen(path, "rb");
    size_t size;

    if (!in) {
        perror(path);
        return 1;
    }
    size = fread(data, 1, sizeof(data), in);
    fclose(in);
    /* Exactly as long as the input, so that a sanitizer sees one byte too many. */
    uint8_t *exact = malloc(size ? size : 1);

    for (size_t i = 0; i < size; i++)
        exact[i] = data[i];
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    int runs = 0, failed = 0;

    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);

        if (!folder) {
            perror(argv[i]);
            return 1;
        }
        for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
            char path[PATH_BYTES];

            if (entry->d_name[0] == '.')
                continue;
            snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
            failed += run(path);
            runs++;
        }
        closedir(folder);
    }
    printf("%s: %d inputs\n", argv[0], runs);
    return runs == 0 || failed;
}
