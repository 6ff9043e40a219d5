/* A stream finds what a scan of the whole finds, wherever the pieces are cut: stream FOLDER [step]. It writes to the
   folder; of the positions it takes each step-th, for slow checkers. */
#include "check.h"

static const char TEXT[] =
    "GET http://www.bad.example/a?x=1,2 from 192.0.2.7:8443 (via 2001:db8::7)\r\n"
    "\n"
    "imphash: 0123456789abcdef0123456789abcdef hxxp://listed[.]example/path [192[.]0[.]2[.]9]\n"
    "\xc3\xa9t\xc3\xa9 b\xc3\xbc" "cher.example phish@mail.example, http://listed.example/path. bad.example";

static indicia_scanner *scanner;
static size_t step = 1;

static void in_pieces(indicia_str data, const size_t *sizes, size_t count, hit_list *list) {
    indicia_stream *stream = NULL;
    size_t at = 0, i;
    CHECK_STATUS(indicia_stream_open(scanner, &stream), INDICIA_OK);
    for (i = 0; at < data.len; i++) {
        indicia_str piece;
        piece.ptr = data.ptr + at;
        piece.len = sizes[i % count] < data.len - at ? sizes[i % count] : data.len - at;
        CHECK_STATUS(indicia_stream_feed(stream, piece, collect, list), INDICIA_OK);
        at += piece.len;
    }
    CHECK_STATUS(indicia_stream_close(stream, collect, list), INDICIA_OK);
}

static void compare(indicia_str data, const hit_list *whole, const size_t *sizes, size_t count) {
    hit_list list;
    memset(&list, 0, sizeof list);
    in_pieces(data, sizes, count, &list);
    if (!same(whole, &list)) {
        printf("pieces of %lu:\n%.600s\nwhole:\n%.600s\n", (unsigned long)sizes[0], list.text ? list.text : "",
               whole->text ? whole->text : "");
        failures++;
    }
    clear(&list);
}

static void small_text(void) {
    indicia_str data;
    hit_list whole;
    size_t cut;
    data.ptr = TEXT;
    data.len = sizeof TEXT - 1;
    memset(&whole, 0, sizeof whole);
    CHECK_STATUS(indicia_scanner_scan(scanner, data, collect, &whole), INDICIA_OK);
    CHECK(whole.hits >= 8);
    for (cut = 1; cut <= data.len; cut += step) {
        size_t two[2];
        two[0] = cut;
        two[1] = data.len;
        compare(data, &whole, two, 2);
        compare(data, &whole, &cut, 1);
    }
    clear(&whole);
}

/* A line that is longer than a stream keeps, with values all over it. */
static void long_line(void) {
    static const char *const PIECES[] = {"http://listed.example/path ", "www.bad.example ", "192.0.2.77 ",
                                         "phish@mail.example\",\"", "imphash: 0123456789abcdef0123456789abcdef "};
    static const size_t SIZES[][3] = {{1500, 0, 0}, {4096, 0, 0}, {65535, 0, 0}, {65536, 0, 0}, {65537, 0, 0},
                                      {300000, 0, 0}, {7, 70000, 333}};
    const size_t len = 180000;
    char *text = (char *)malloc(len);
    indicia_str data;
    hit_list whole;
    size_t at = 0, i = 0;
    unsigned seed = 7;
    if (text == NULL) exit(3);
    memset(text, 'x', len);
    while (at + 200 < len) {
        const char *piece = PIECES[i++ % 5];
        text[at++] = ' ';
        memcpy(text + at, piece, strlen(piece));
        at += strlen(piece);
        seed = seed * 1103515245u + 12345u;
        at += (seed >> 16) % 150;
        text[at++] = ';';
    }
    data.ptr = text;
    data.len = len;
    memset(&whole, 0, sizeof whole);
    CHECK_STATUS(indicia_scanner_scan(scanner, data, collect, &whole), INDICIA_OK);
    CHECK(whole.hits > 500);
    for (i = 0; i < sizeof SIZES / sizeof SIZES[0]; i += step) compare(data, &whole, SIZES[i], SIZES[i][1] == 0 ? 1 : 3);

    /* The same with a few line ends in it. */
    text[100000] = text[100001] = text[166000] = '\n';
    clear(&whole);
    CHECK_STATUS(indicia_scanner_scan(scanner, data, collect, &whole), INDICIA_OK);
    for (i = 0; i < sizeof SIZES / sizeof SIZES[0]; i += step) compare(data, &whole, SIZES[i], SIZES[i][1] == 0 ? 1 : 3);
    clear(&whole);
    free(text);
}

int main(int argc, char **argv) {
    char path[5000];
    indicia_str feed;
    indicia_set *set = NULL;
    indicia_scan_options options;
    if (argc < 2) return 2;
    if (argc > 2) step = (size_t)atoi(argv[2]);
    path_in(path, sizeof path, argv[1], "stream.csv");
    write_file(path,
               "indicator,type\nbad.example,domain\n192.0.2.0/24,cidr\n192.0.2.7:8443,endpoint\n2001:db8::/32,cidr\n"
               "http://listed.example/path,url\nphish@mail.example,email\nxn--bcher-kva.example,domain\n"
               "0123456789abcdef0123456789abcdef,imphash\n\"http://www.bad.example/a?x=1,2\",url\n");
    feed = str(path);
    CHECK_STATUS(indicia_set_from_feeds(&feed, 1, &set), INDICIA_OK);
    CHECK_STATUS(indicia_scanner_new(set, &scanner), INDICIA_OK);
    indicia_set_unref(set);
    small_text();
    long_line();
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.refang = INDICIA_REFANG_USUAL;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_OK);
    small_text();
    long_line();
    indicia_scanner_free(scanner);
    return failures != 0;
}
