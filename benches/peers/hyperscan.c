/* hyperscan LIST LOG: every line of LIST a literal without case, LOG scanned in blocks of 1 MiB, a pass a turn.
 * The protocol is that of the Rust drivers (src/lib.rs, `turns`); "result" is the number of matches, ends of words or not.
 * Build: cc -O2 hyperscan.c $(pkg-config --cflags --libs libhs) */
#include <hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(2);
    }
    *length = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*length + 1);
    if (bytes == NULL || fread(bytes, 1, *length, file) != *length) {
        perror(path);
        exit(2);
    }
    bytes[*length] = 0;
    fclose(file);
    return bytes;
}

static long long nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *count)
{
    (void)id, (void)from, (void)to, (void)flags;
    ++*(unsigned long long *)count;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "hyperscan LIST LOG\n");
        return 2;
    }
    size_t list_length, log_length, lines = 0, n = 0;
    char *list = read_file(argv[1], &list_length), *log = read_file(argv[2], &log_length);
    for (size_t i = 0; i < list_length; i++)
        lines += list[i] == '\n';
    const char **literals = calloc(lines + 1, sizeof *literals);
    size_t *lengths = calloc(lines + 1, sizeof *lengths);
    unsigned *flags = calloc(lines + 1, sizeof *flags), *ids = calloc(lines + 1, sizeof *ids);
    for (char *line = strtok(list, "\n"); line != NULL; line = strtok(NULL, "\n"), n++) {
        literals[n] = line;
        lengths[n] = strlen(line);
        flags[n] = HS_FLAG_CASELESS;
        ids[n] = (unsigned)n;
    }
    long long began = nanoseconds();
    hs_database_t *database;
    hs_compile_error_t *error;
    if (hs_compile_lit_multi(literals, flags, ids, lengths, (unsigned)n, HS_MODE_BLOCK, NULL, &database, &error)
        != HS_SUCCESS) {
        fprintf(stderr, "%s\n", error->message);
        return 1;
    }
    hs_scratch_t *scratch = NULL;
    size_t size = 0;
    if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS || hs_database_size(database, &size) != HS_SUCCESS)
        return 1;
    printf("{\"bytes\": %zu, \"database_bytes\": %zu, \"prepared_ns\": %lld, \"version\": \"%s\"}\n", log_length, size,
           nanoseconds() - began, hs_version());
    fflush(stdout);
    for (int c; (c = getchar()) != EOF;) {
        if (c != '\n')
            continue;
        unsigned long long count = 0;
        began = nanoseconds();
        for (size_t at = 0; at < log_length; at += 1 << 20) {
            size_t left = log_length - at;
            hs_scan(database, log + at, left < 1 << 20 ? (unsigned)left : 1 << 20, 0, scratch, on_match, &count);
        }
        printf("{\"ns\": %lld, \"result\": %llu}\n", nanoseconds() - began, count);
        fflush(stdout);
    }
    return 0;
}
