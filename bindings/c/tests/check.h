/* What the test programs share: a check that names its place, texts, files, a list of hits. */
#ifndef CHECK_H
#define CHECK_H

#include <indicia.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define CHECK(what)                                                                                     \
    do {                                                                                                \
        if (!(what)) {                                                                                  \
            printf("%s:%d: %s (last error: %s)\n", __FILE__, __LINE__, #what, indicia_last_error());    \
            failures++;                                                                                 \
        }                                                                                               \
    } while (0)

#define CHECK_STATUS(call, expected)                                                                    \
    do {                                                                                                \
        indicia_status got_ = (call);                                                                   \
        if (got_ != (expected)) {                                                                       \
            printf("%s:%d: %s gave %s, not %s (%s)\n", __FILE__, __LINE__, #call,                       \
                   indicia_status_reason(got_), indicia_status_reason(expected), indicia_last_error()); \
            failures++;                                                                                 \
        }                                                                                               \
    } while (0)

static inline indicia_str str(const char *text) {
    indicia_str s;
    s.ptr = text;
    s.len = strlen(text);
    return s;
}

static inline bool is(indicia_str s, const char *text) {
    return s.len == strlen(text) && (s.len == 0 || memcmp(s.ptr, text, s.len) == 0);
}

static inline void path_in(char *path, size_t size, const char *folder, const char *name) {
    if ((size_t)snprintf(path, size, "%s/%s", folder, name) >= size) exit(3);
}

static inline void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "wb");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) exit(3);
}

/* One line a hit: start-end kind relation value indicator [guards]. */
typedef struct {
    char *text;
    size_t len, cap;
    size_t hits;
    size_t stop_after; /* 0: never */
} hit_list;

static inline void append(hit_list *list, const char *text, size_t len) {
    if (list->len + len + 1 > list->cap) {
        list->cap = (list->len + len + 1) * 2;
        list->text = (char *)realloc(list->text, list->cap);
        if (list->text == NULL) exit(3);
    }
    memcpy(list->text + list->len, text, len);
    list->len += len;
    list->text[list->len] = '\0';
}

static inline bool collect(const indicia_hit *hit, void *user) {
    hit_list *list = (hit_list *)user;
    char head[128];
    indicia_str value = indicia_indicator_value(hit->indicator);
    size_t i;
    snprintf(head, sizeof head, "%lu-%lu %s %s ", (unsigned long)hit->start, (unsigned long)hit->end,
             indicia_kind_name(hit->kind), indicia_relation_name(hit->relation));
    append(list, head, strlen(head));
    append(list, hit->value.ptr, hit->value.len);
    append(list, " ", 1);
    append(list, value.ptr, value.len);
    for (i = 0; i < hit->guard_count; i++) {
        append(list, " !", 2);
        append(list, hit->guards[i].rule.ptr, hit->guards[i].rule.len);
    }
    append(list, " <", 2);
    append(list, hit->raw.ptr, hit->raw.len);
    append(list, ">\n", 2);
    list->hits++;
    return list->stop_after == 0 || list->hits < list->stop_after;
}

static inline void clear(hit_list *list) {
    free(list->text);
    memset(list, 0, sizeof *list);
}

static inline bool same(const hit_list *a, const hit_list *b) {
    return a->len == b->len && (a->len == 0 || memcmp(a->text, b->text, a->len) == 0);
}

#endif
