/* Scanners on eight threads while the set is replaced a thousand times under them: threads FOLDER [SCANS], where it may
   write, and how often each thread scans. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <pthread.h>

enum { THREADS = 8, REPLACED = 1000 };

static indicia_live *live;
static int scans = 3000;

static bool count(const indicia_hit *hit, void *user) {
    /* Its texts are there, whichever set it came from. */
    indicia_str value = indicia_indicator_value(hit->indicator);
    if (!is(value, "one.example") && !is(value, "two.example")) return false;
    ++*(size_t *)user;
    return true;
}

static void *scan(void *unused) {
    indicia_scanner *scanner = NULL;
    size_t wrong = 0;
    int i;
    (void)unused;
    if (indicia_scanner_new_live(live, &scanner) != INDICIA_OK) return &live;
    for (i = 0; i < scans; i++) {
        size_t hits = 0;
        if (indicia_scanner_scan(scanner, str("one.example x two.example"), count, &hits) != INDICIA_OK || hits != 1) wrong++;
    }
    indicia_scanner_free(scanner);
    return wrong > 0 ? &live : NULL;
}

int main(int argc, char **argv) {
    char path[5000];
    indicia_set *sets[2] = {NULL, NULL};
    pthread_t threads[THREADS];
    int i;
    if (argc != 2 && argc != 3) return 2;
    if (argc == 3) scans = atoi(argv[2]);
    for (i = 0; i < 2; i++) {
        indicia_str feed;
        path_in(path, sizeof path, argv[1], i == 0 ? "t1.txt" : "t2.txt");
        write_file(path, i == 0 ? "one.example\n" : "two.example\n");
        feed = str(path);
        CHECK_STATUS(indicia_set_from_feeds(&feed, 1, &sets[i]), INDICIA_OK);
    }
    CHECK_STATUS(indicia_live_new(sets[0], &live), INDICIA_OK);
    for (i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, scan, NULL) == 0);
    for (i = 0; i < REPLACED; i++) CHECK_STATUS(indicia_live_replace(live, sets[i % 2]), INDICIA_OK);
    for (i = 0; i < THREADS; i++) {
        void *wrong = NULL;
        CHECK(pthread_join(threads[i], &wrong) == 0 && wrong == NULL);
    }
    indicia_set_unref(sets[0]);
    indicia_set_unref(sets[1]);
    indicia_live_free(live);
    return failures != 0;
}
