/* Every row of the vectors of default@1 and of the other profiles: vectors TSV TSV, written by
   `cargo xtask test c`. */
#include "check.h"

static int nibble(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

/* Undoes \xNN in place. */
static indicia_str unescape(char *field) {
    char *out = field;
    const char *in = field;
    indicia_str s;
    while (*in != '\0') {
        if (in[0] == '\\' && in[1] == 'x') {
            *out++ = (char)(nibble(in[2]) * 16 + nibble(in[3]));
            in += 4;
        } else {
            *out++ = *in++;
        }
    }
    s.ptr = field;
    s.len = (size_t)(out - field);
    return s;
}

static bool equal(indicia_str a, const char *b, size_t len) {
    return a.len == len && memcmp(a.ptr, b, len) == 0;
}

/* The values of the other profiles: lines of profile, kind, refang, raw, value, reason. */
static unsigned profiles(const char *path) {
    static char line[1 << 20], buf[1 << 15];
    unsigned rows = 0;
    FILE *file = fopen(path, "rb");
    if (file == NULL) return 0;
    while (fgets(line, sizeof line, file) != NULL) {
        char *fields[6], *at = line;
        indicia_kind kind = INDICIA_KIND_ANY;
        indicia_refang_level level = INDICIA_REFANG_OFF;
        indicia_str raw, value;
        size_t needed = 0;
        indicia_status status;
        int i;
        for (i = 0; i < 6; i++) {
            fields[i] = at;
            at += strcspn(at, "\t\n");
            *at++ = '\0';
        }
        rows++;
        if (fields[1][0] != '\0') CHECK_STATUS(indicia_kind_from_name(str(fields[1]), &kind), INDICIA_OK);
        if (strcmp(fields[2], "usual") == 0) level = INDICIA_REFANG_USUAL;
        raw = unescape(fields[3]);
        value = unescape(fields[4]);
        status = indicia_normalize_with(str(fields[0]), kind, level, raw, buf, sizeof buf, &needed);
        if (fields[5][0] != '\0' ? strcmp(indicia_status_reason(status), fields[5]) != 0
                                 : status != INDICIA_OK || !equal(value, buf, needed)) {
            printf("%s row %u differs (%s): %.*s\n", fields[0], rows, indicia_status_reason(status), (int)needed, buf);
            failures++;
        }
    }
    fclose(file);
    return rows;
}

int main(int argc, char **argv) {
    static char line[1 << 20], buf[1 << 15];
    unsigned rows = 0;
    FILE *file = argc == 3 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) return 2;
    while (fgets(line, sizeof line, file) != NULL) {
        char *fields[7], *at = line;
        indicia_kind kind = INDICIA_KIND_ANY, want_kind, found = 12345;
        indicia_refang_level level = INDICIA_REFANG_OFF;
        indicia_str raw, value, key;
        const char *reason;
        size_t needed = 0;
        indicia_status status;
        int i;
        for (i = 0; i < 7; i++) {
            fields[i] = at;
            at += strcspn(at, "\t\n");
            *at++ = '\0';
        }
        rows++;
        if (fields[0][0] != '\0') CHECK_STATUS(indicia_kind_from_name(str(fields[0]), &kind), INDICIA_OK);
        if (strcmp(fields[1], "usual") == 0) level = INDICIA_REFANG_USUAL;
        raw = unescape(fields[2]);
        value = unescape(fields[4]);
        key = unescape(fields[5]);
        reason = fields[6];

        status = indicia_parse(kind, level, raw, &found, buf, sizeof buf, &needed);
        if (reason[0] != '\0') {
            if (strcmp(indicia_status_reason(status), reason) != 0 || found != 12345) {
                printf("row %u: %s, not %s\n", rows, indicia_status_reason(status), reason);
                failures++;
            }
        } else {
            CHECK_STATUS(indicia_kind_from_name(str(fields[3]), &want_kind), INDICIA_OK);
            if (status != INDICIA_OK || found != want_kind || !equal(value, buf, needed) || buf[needed] != '\0') {
                printf("row %u: value differs (%s): %.*s\n", rows, indicia_status_reason(status), (int)needed, buf);
                failures++;
            }
            status = indicia_key(kind, level, raw, buf, sizeof buf, &needed);
            if (status != INDICIA_OK || !equal(key, buf, needed)) {
                printf("row %u: key differs (%s): %.*s\n", rows, indicia_status_reason(status), (int)needed, buf);
                failures++;
            }
        }

        /* normalize always undoes the usual: rows that say nothing of it and hold a notation are not its. */
        if (strcmp(fields[1], "usual") != 0 &&
            (fields[1][0] != '\0' || memchr(raw.ptr, '[', raw.len) != NULL || memchr(raw.ptr, '\\', raw.len) != NULL))
            continue;
        status = indicia_normalize(kind, raw, buf, sizeof buf, &needed);
        if (reason[0] != '\0' ? strcmp(indicia_status_reason(status), reason) != 0
                              : status != INDICIA_OK || !equal(value, buf, needed)) {
            printf("row %u: normalize differs (%s): %.*s\n", rows, indicia_status_reason(status), (int)needed, buf);
            failures++;
        }
    }
    fclose(file);
    CHECK(rows > 500);
    CHECK(profiles(argv[2]) > 120);
    printf("%u rows\n", rows);
    return failures != 0;
}
