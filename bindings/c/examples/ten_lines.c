/* Prints value, relation and feed of every hit: ten_lines FEED TEXT-FILE */
#include <indicia.h>
#include <stdio.h>
#include <string.h>

static bool print(const indicia_hit *hit, void *user) {
    indicia_str feed = indicia_indicator_feed(hit->indicator, hit->contexts[0]);
    printf("%.*s %s %.*s\n", (int)hit->value.len, hit->value.ptr, indicia_relation_name(hit->relation),
           (int)feed.len, feed.ptr);
    return user == NULL;
}

int main(int argc, char **argv) {
    static char text[1 << 20];
    FILE *file = argc == 3 ? fopen(argv[2], "rb") : NULL;
    if (file == NULL) return 2;
    indicia_str data = {text, fread(text, 1, sizeof text, file)}, feed = {argv[1], strlen(argv[1])};
    fclose(file);

    indicia_set *set = NULL;
    indicia_scanner *scanner = NULL;
    if (indicia_set_from_feeds(&feed, 1, &set) != INDICIA_OK || indicia_scanner_new(set, &scanner) != INDICIA_OK ||
        indicia_scanner_scan(scanner, data, print, NULL) != INDICIA_OK)
        fprintf(stderr, "%s\n", indicia_last_error());
    indicia_scanner_free(scanner);
    indicia_set_unref(set);
    return scanner == NULL;
}
