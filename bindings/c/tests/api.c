/* Every call, with right and wrong arguments: api FOLDER [step]. It writes to the folder; of the positions at which a
   set file is damaged it takes each step-th, for slow checkers. */
#include "check.h"

static const char FEED[] =
    "indicator,type,role,confidence,tlp,labels\n"
    "bad.example,domain,c2,80,amber,apt;loader\n"
    "192.0.2.0/24,cidr,scanner,40,clear,\n"
    "10.0.0.7,ipv4,c2,90,green,\n"
    "198.51.100.7:8443,endpoint,c2,70,green,\n"
    "2001:db8::/32,cidr,c2,,,\n"
    "http://listed.example/path?q=1,url,malware-host,60,green,\n"
    "https://alt.example:8443/x,url,malware-host,60,green,\n"
    "d41d8cd98f00b204e9800998ecf8427e,md5,unknown,10,clear,\n"
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b856,sha256,unknown,10,clear,\n"
    "phish@mail.example,email,phishing,50,clear,\n"
    "victim.example,domain,victim,50,clear,\n";
static const char SECOND[] = "indicator,type,role,confidence\nbad.example,domain,phishing,20\nother.example,domain,c2,50\n";
static const char TEXT[] =
    "GET http://www.bad.example/a from 192.0.2.7\n"
    "to 10.0.0.7 and 198.51.100.7:8443, not 198.51.100.7:80\n"
    "seen listed.example/path?q=1 by phish@mail.example; victim.example\n";

static char folder[4096];
static size_t step = 1;

static bool stop_at_once(const indicia_hit *hit, void *user) {
    (void)hit;
    ++*(int *)user;
    return false;
}

typedef struct {
    indicia_scanner *scanner;
    indicia_stream *stream;
    indicia_status scan, lookup, feed, close;
} reentry;

static bool call_back(const indicia_hit *hit, void *user) {
    reentry *r = (reentry *)user;
    size_t n = 77;
    r->scan = indicia_scanner_scan(r->scanner, hit->value, call_back, user);
    r->lookup = indicia_scanner_lookup(r->scanner, INDICIA_KIND_ANY, hit->value, NULL, 0, &n);
    CHECK(n == 77);
    if (r->stream != NULL) {
        r->feed = indicia_stream_feed(r->stream, hit->value, call_back, user);
        r->close = indicia_stream_close(r->stream, NULL, NULL);
    }
    return true;
}

typedef struct {
    indicia_str feed;
    indicia_str value;
    const indicia_indicator *indicator;
} kept_strings;

static bool keep_strings(const indicia_hit *hit, void *user) {
    kept_strings *kept = (kept_strings *)user;
    kept->indicator = hit->indicator;
    kept->feed = indicia_indicator_feed(hit->indicator, 0);
    kept->value = indicia_indicator_value(hit->indicator);
    return true;
}

static bool check_contexts(const indicia_hit *hit, void *user) {
    char json[4096];
    size_t needed;
    size_t *seen = (size_t *)user;
    if (!is(indicia_indicator_value(hit->indicator), "bad.example")) return true;
    *seen += 1;
    CHECK(indicia_indicator_context_count(hit->indicator) == 2);
    CHECK(hit->context_count == 1);
    CHECK(is(indicia_indicator_role(hit->indicator, hit->contexts[0]), "c2"));
    CHECK_STATUS(indicia_hit_json(hit, json, sizeof json, &needed), INDICIA_OK);
    CHECK(strstr(json, "\"role\":\"c2\"") != NULL && strstr(json, "phishing") == NULL);
    CHECK_STATUS(indicia_indicator_json(hit->indicator, json, sizeof json, &needed), INDICIA_OK);
    CHECK(strstr(json, "\"role\":\"c2\"") != NULL && strstr(json, "phishing") != NULL);
    return true;
}

static bool count_hits(const indicia_hit *hit, void *user) {
    (void)hit;
    ++*(size_t *)user;
    return true;
}

static size_t scan_count(indicia_scanner *scanner, const char *text) {
    size_t hits = 0;
    CHECK_STATUS(indicia_scanner_scan(scanner, str(text), count_hits, &hits), INDICIA_OK);
    return hits;
}

/* An address and a port, a host and a path. */
static const char RECORD[] = "{\"dest_ip\":\"198.51.100.7\",\"dest_port\":8443,"
                             "\"http\":{\"hostname\":\"listed.example\",\"url\":\"/path?q=1\"}}\n";
static size_t fields_seen;

static bool in_field(const indicia_hit *hit, void *user) {
    (void)user;
    if (hit->kind == INDICIA_KIND_ENDPOINT) {
        CHECK(is(hit->field, "dest_ip+dest_port") && is(hit->raw, "198.51.100.7"));
    } else {
        CHECK(is(hit->field, "http.hostname+http.url") && is(hit->value, "listed.example/path?q=1"));
    }
    ++fields_seen;
    return true;
}

static indicia_set *set_of(const char *name, const char *feed) {
    char path[5000];
    indicia_set *set = NULL;
    indicia_str paths[1];
    path_in(path, sizeof path, folder, name);
    write_file(path, feed);
    paths[0] = str(path);
    CHECK_STATUS(indicia_set_from_feeds(paths, 1, &set), INDICIA_OK);
    return set;
}

static indicia_set *both_feeds(void) {
    char a[5000], b[5000];
    indicia_set *set = NULL;
    indicia_str paths[2];
    path_in(a, sizeof a, folder, "a.csv");
    path_in(b, sizeof b, folder, "b.csv");
    write_file(a, FEED);
    write_file(b, SECOND);
    paths[0] = str(a);
    paths[1] = str(b);
    CHECK_STATUS(indicia_set_from_feeds(paths, 2, &set), INDICIA_OK);
    return set;
}

static void values(void) {
    char buf[64];
    size_t needed = 0;
    indicia_kind kind = 0;
    indicia_str raw = str("hxxps://Bad[.]Example/%7Ea");
    indicia_str other;
    const char *value = "https://bad.example/~a";
    memset(buf, '#', sizeof buf);
    CHECK_STATUS(indicia_normalize(INDICIA_KIND_ANY, raw, NULL, 0, &needed), INDICIA_TOO_SMALL);
    CHECK(needed == strlen(value));
    CHECK_STATUS(indicia_normalize(INDICIA_KIND_ANY, raw, buf, needed - 1, &needed), INDICIA_TOO_SMALL);
    CHECK(buf[0] == '#' && needed == strlen(value));
    CHECK_STATUS(indicia_normalize(INDICIA_KIND_ANY, raw, buf, needed, &needed), INDICIA_OK);
    CHECK(memcmp(buf, value, needed) == 0 && buf[needed] == '#');
    CHECK_STATUS(indicia_normalize(INDICIA_KIND_ANY, raw, buf, sizeof buf, &needed), INDICIA_OK);
    CHECK(strcmp(buf, value) == 0);
    CHECK_STATUS(indicia_key(INDICIA_KIND_URL, INDICIA_REFANG_DEFAULT, raw, buf, sizeof buf, &needed), INDICIA_OK);
    CHECK(strcmp(buf, "bad.example/~a") == 0);
    CHECK_STATUS(indicia_defang(INDICIA_KIND_URL, str(value), buf, sizeof buf, &needed), INDICIA_OK);
    CHECK(strcmp(buf, "hxxps://bad[.]example/~a") == 0);
    CHECK_STATUS(indicia_defang_as(INDICIA_KIND_URL, INDICIA_DEFANG_DRAFT, str(value), buf, sizeof buf, &needed), INDICIA_OK);
    CHECK(strcmp(buf, "[https]://bad[.]example/~a") == 0);
    CHECK_STATUS(indicia_defang_as(INDICIA_KIND_URL, 3, str(value), buf, sizeof buf, &needed), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_use_tables(str("no such file"), str(""), str("")), INDICIA_IO);
    CHECK_STATUS(indicia_parse(INDICIA_KIND_CIDR, 0, str("192.0.2.7/32"), &kind, buf, sizeof buf, &needed), INDICIA_OK);
    CHECK_STATUS(indicia_parse(INDICIA_KIND_ANY, 0, str("192.0.2.7/32"), &kind, buf, sizeof buf, &needed), INDICIA_OK);
    CHECK(kind == INDICIA_KIND_IPV4);
    CHECK_STATUS(indicia_parse(INDICIA_KIND_ANY, 0, str("192.0.2.7"), NULL, buf, sizeof buf, &needed), INDICIA_OK);

    other = str("hxxps://WWW.Bad[.]Example:8443//A");
    CHECK_STATUS(indicia_normalize_with(str("kaspersky"), 0, 0, other, buf, sizeof buf, &needed), INDICIA_OK);
    CHECK(strcmp(buf, "bad.example/a") == 0);
    CHECK_STATUS(indicia_normalize_with(str("kaspersky@1"), 0, 0, other, buf, 3, &needed), INDICIA_TOO_SMALL);
    CHECK(needed == strlen("bad.example/a"));
    CHECK_STATUS(indicia_normalize_with(str("kaspersky@2"), 0, 0, other, buf, sizeof buf, &needed), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_normalize_with(str(""), 0, 0, other, buf, sizeof buf, &needed), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_normalize_with(str("zeek"), 0, 99, other, buf, sizeof buf, &needed), INDICIA_INVALID_ARGUMENT);

    needed = 99;
    memset(buf, '#', sizeof buf);
    CHECK_STATUS(indicia_normalize(INDICIA_KIND_IPV4, str("192.0.2.07"), buf, sizeof buf, &needed),
                 INDICIA_IPV4_LEADING_ZERO);
    CHECK(needed == 99 && buf[0] == '#' && strlen(indicia_last_error()) > 10);
    CHECK(strcmp(indicia_status_reason(INDICIA_IPV4_LEADING_ZERO), "ipv4-leading-zero") == 0);
    CHECK_STATUS(indicia_normalize(INDICIA_KIND_OTHER, raw, buf, sizeof buf, &needed), INDICIA_KIND_NOT_PARSED);
    CHECK_STATUS(indicia_normalize(58, raw, buf, sizeof buf, &needed), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_normalize(0xffffffffu, raw, buf, sizeof buf, &needed), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_parse(0, 5, raw, &kind, buf, sizeof buf, &needed), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_normalize(0, str("\xff\xfe"), buf, sizeof buf, &needed), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_normalize(0, str(""), buf, sizeof buf, &needed), INDICIA_EMPTY);
    CHECK_STATUS(indicia_normalize(0, raw, NULL, 8, &needed), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_normalize(0, raw, buf, sizeof buf, NULL), INDICIA_INVALID_ARGUMENT);
    raw.ptr = NULL;
    CHECK_STATUS(indicia_normalize(0, raw, buf, sizeof buf, &needed), INDICIA_INVALID_ARGUMENT);
    raw.ptr = buf;
    raw.len = (size_t)-1;
    CHECK_STATUS(indicia_normalize(0, raw, buf, sizeof buf, &needed), INDICIA_INVALID_ARGUMENT);

    CHECK(strcmp(indicia_kind_name(INDICIA_KIND_BITCOIN_CASH), "bitcoin-cash") == 0);
    CHECK(indicia_kind_name(0) == NULL && indicia_kind_name(99) == NULL && indicia_kind_name(256) == NULL);
    CHECK(strcmp(indicia_relation_name(INDICIA_RELATION_URL_PREFIX), "url-prefix") == 0);
    CHECK(indicia_relation_name(0) == NULL && indicia_relation_name(10) == NULL);
    kind = 4242;
    CHECK_STATUS(indicia_kind_from_name(str("no-kind"), &kind), INDICIA_UNKNOWN_KIND);
    CHECK(kind == 4242);
    CHECK_STATUS(indicia_kind_from_name(str("md5"), NULL), INDICIA_INVALID_ARGUMENT);
    CHECK(strcmp(indicia_status_str(INDICIA_OK), "ok") == 0 && strcmp(indicia_status_reason(INDICIA_OK), "ok") == 0);
    CHECK(indicia_status_str(-1) != NULL && strcmp(indicia_status_reason(9999), "unknown") == 0);
    CHECK(indicia_abi_version() == INDICIA_ABI_VERSION);
}

typedef struct {
    char text[1024];
    size_t stop_after, count;
} observed;

static bool observe(const indicia_observable *o, void *user) {
    observed *list = (observed *)user;
    size_t len = strlen(list->text);
    snprintf(list->text + len, sizeof list->text - len, "%lu-%lu %s %.*s %u %.*s%s%.*s%s%.*s\n",
             (unsigned long)o->start, (unsigned long)o->end, indicia_kind_name(o->kind), (int)o->value.len, o->value.ptr,
             (unsigned)o->port, (int)o->raw.len, o->raw.ptr, o->via.len ? " via " : "", (int)o->via.len,
             o->via.len ? o->via.ptr : "", o->refused.len ? " refused " : "", (int)o->refused.len,
             o->refused.len ? o->refused.ptr : "");
    list->count++;
    return list->count != list->stop_after;
}

static void extraction(void) {
    const char *text = "beacon to hxxps://cdn[.]bad[.]example/a from 192.0.2.7:8443";
    const char *cut = "sha256: 9f86d081884c7d659a2feaa0c55ad0\n15a3bf4f1b2b0b822cd15d6c15b0f00a08 (loader)";
    indicia_kind kinds[2] = {INDICIA_KIND_IPV4, INDICIA_KIND_IPV6};
    indicia_extract_options options;
    observed list;
    memset(&list, 0, sizeof list);
    CHECK_STATUS(indicia_extract(str(text), observe, &list), INDICIA_OK);
    CHECK(strcmp(list.text,
                 "10-39 url https://cdn.bad.example/a 0 hxxps://cdn[.]bad[.]example/a\n"
                 "45-54 ipv4 192.0.2.7 8443 192.0.2.7\n") == 0);
    memset(&list, 0, sizeof list);
    list.stop_after = 1;
    CHECK_STATUS(indicia_extract(str(text), observe, &list), INDICIA_STOPPED);
    CHECK(list.count == 1);

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.kinds = kinds;
    options.kind_count = 2;
    memset(&list, 0, sizeof list);
    CHECK_STATUS(indicia_extract_with(&options, str(text), observe, &list), INDICIA_OK);
    CHECK(list.count == 1);
    memset(&list, 0, sizeof list);
    options.kinds = NULL;
    options.kind_count = 0;
    options.flags = INDICIA_EXTRACT_NESTED;
    CHECK_STATUS(indicia_extract_with(&options, str(text), observe, &list), INDICIA_OK);
    CHECK(list.count == 3);
    options.flags = 1u << 31; /* no flag of this version */
    CHECK_STATUS(indicia_extract_with(&options, str(text), observe, &list), INDICIA_INVALID_ARGUMENT);
    options.flags = 0;
    memset(&list, 0, sizeof list);
    CHECK_STATUS(indicia_extract_with(&options, str(cut), observe, &list), INDICIA_OK);
    CHECK(list.count == 0);
    options.flags = INDICIA_EXTRACT_WRAPPED;
    CHECK_STATUS(indicia_extract_with(&options, str(cut), observe, &list), INDICIA_OK);
    CHECK(strcmp(list.text, "8-73 sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 0 "
                            "9f86d081884c7d659a2feaa0c55ad0\n15a3bf4f1b2b0b822cd15d6c15b0f00a08 via wrapped\n") == 0);
    {
        const char *code = "see user.name or main.py, or www&#46;bad.example";
        indicia_str rules[2];
        memset(&list, 0, sizeof list);
        options.flags = 0;
        CHECK_STATUS(indicia_extract_with(&options, str(code), observe, &list), INDICIA_OK);
        CHECK(strcmp(list.text, "29-48 domain www.bad.example 0 www&#46;bad.example via entities\n") == 0);
        memset(&list, 0, sizeof list);
        options.flags = INDICIA_EXTRACT_EXPLAIN;
        CHECK_STATUS(indicia_extract_with(&options, str(code), observe, &list), INDICIA_OK);
        CHECK(strcmp(list.text, "4-13 domain user.name 0 user.name refused code\n"
                                "17-24 domain main.py 0 main.py refused file-name\n"
                                "29-48 domain www.bad.example 0 www&#46;bad.example via entities\n") == 0);
        memset(&list, 0, sizeof list);
        rules[0] = str("file-name");
        rules[1] = str("code");
        options.without = rules;
        options.without_count = 2;
        CHECK_STATUS(indicia_extract_with(&options, str(code), observe, &list), INDICIA_OK);
        CHECK(list.count == 3 && strstr(list.text, "refused") == NULL);
        rules[1] = str("no-such");
        CHECK_STATUS(indicia_extract_with(&options, str(code), observe, &list), INDICIA_INVALID_ARGUMENT);
        options.without = NULL;
        options.without_count = 0;
    }
    options.flags = 0;
    options.kind_count = 1;
    CHECK_STATUS(indicia_extract_with(&options, str(text), observe, &list), INDICIA_INVALID_ARGUMENT);
    kinds[0] = 99;
    options.kinds = kinds;
    CHECK_STATUS(indicia_extract_with(&options, str(text), observe, &list), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_extract_with(NULL, str(text), observe, &list), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_extract(str(text), NULL, &list), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_extract(str(""), observe, &list), INDICIA_OK);
}

static void sets(void) {
    char path[5000], copy[5000];
    static unsigned char bytes[1 << 18], small[1 << 18];
    unsigned char a[32], b[32];
    indicia_set *set = both_feeds(), *again = NULL, *untouched = (indicia_set *)a;
    indicia_str missing;
    size_t size, n, refused = 0;
    FILE *file;

    CHECK(indicia_set_count(set) == 11);
    CHECK(indicia_set_get(set, 10) != NULL && indicia_set_get(set, 11) == NULL && indicia_set_get(set, (size_t)-1) == NULL);
    CHECK(indicia_indicator_kind(indicia_set_get(set, 0)) == INDICIA_KIND_IPV4);
    CHECK_STATUS(indicia_set_digest(set, a), INDICIA_OK);
    path_in(path, sizeof path, folder, "t.ind");
    CHECK_STATUS(indicia_set_save(set, path), INDICIA_OK);
    indicia_set_unref(set);

    CHECK_STATUS(indicia_set_open(path, &again), INDICIA_OK);
    CHECK_STATUS(indicia_set_digest(again, b), INDICIA_OK);
    CHECK(memcmp(a, b, 32) == 0);
    indicia_set_ref(again);
    indicia_set_unref(again);
    path_in(copy, sizeof copy, folder, "u.ind");
    CHECK_STATUS(indicia_set_save(again, copy), INDICIA_OK);
    indicia_set_unref(again);
    CHECK_STATUS(indicia_set_load(copy, &again), INDICIA_OK);
    CHECK(indicia_set_count(again) == 11);
    indicia_set_unref(again);

    file = fopen(path, "rb");
    if (file == NULL) exit(3);
    size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    CHECK(size > 100 && size < sizeof bytes);
    again = NULL;
    CHECK_STATUS(indicia_set_from_memory(bytes, size, &again), INDICIA_OK);
    CHECK(indicia_set_count(again) == 11);
    indicia_set_unref(again);
    /* Cut short at every byte; each copy has its own end, so that valgrind sees a read beyond it. */
    for (n = 0; n < size; n += step) {
        unsigned char *cut = (unsigned char *)malloc(n > 0 ? n : 1);
        if (cut == NULL) exit(3);
        memcpy(cut, bytes, n);
        again = untouched;
        CHECK(indicia_set_from_memory(cut, n, &again) >= INDICIA_NOT_A_SET);
        CHECK(again == untouched);
        free(cut);
    }
    /* One bit changed: refused, or, where it is no part of the content, the same content. */
    for (n = 0; n < size; n += step) {
        memcpy(small, bytes, size);
        small[n] ^= (unsigned char)(1u << (n % 8));
        again = NULL;
        if (indicia_set_from_memory(small, size, &again) != INDICIA_OK) {
            CHECK(again == NULL);
            refused++;
        } else {
            CHECK_STATUS(indicia_set_digest(again, b), INDICIA_OK);
            CHECK(memcmp(a, b, 32) == 0);
            indicia_set_unref(again);
        }
    }
    CHECK(refused > size / step / 2);
    again = untouched;
    CHECK_STATUS(indicia_set_from_memory("no set", 6, &again), INDICIA_NOT_A_SET);
    CHECK_STATUS(indicia_set_from_memory(NULL, 0, &again), INDICIA_NOT_A_SET);
    CHECK_STATUS(indicia_set_from_memory(NULL, 5, &again), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_set_open(folder, &again), INDICIA_IO);
    path_in(copy, sizeof copy, folder, "missing.ind");
    CHECK_STATUS(indicia_set_open(copy, &again), INDICIA_IO);
    CHECK(strstr(indicia_last_error(), "missing.ind") != NULL);
    CHECK_STATUS(indicia_set_load(copy, &again), INDICIA_IO);
    path_in(copy, sizeof copy, folder, "missing.csv");
    missing = str(copy);
    CHECK_STATUS(indicia_set_from_feeds(&missing, 1, &again), INDICIA_IO);
    CHECK_STATUS(indicia_set_from_feeds(NULL, 1, &again), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_set_open(NULL, &again), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_set_load(NULL, &again), INDICIA_INVALID_ARGUMENT);
    CHECK(again == untouched);
    CHECK_STATUS(indicia_set_open(path, NULL), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_set_from_memory(bytes, size, NULL), INDICIA_INVALID_ARGUMENT);
    again = NULL;
    CHECK_STATUS(indicia_set_from_feeds(NULL, 0, &again), INDICIA_OK);
    CHECK(indicia_set_count(again) == 0 && indicia_set_get(again, 0) == NULL);
    path_in(copy, sizeof copy, folder, "no/folder/t.ind");
    CHECK_STATUS(indicia_set_save(again, copy), INDICIA_IO);
    CHECK_STATUS(indicia_set_save(again, NULL), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_set_digest(again, NULL), INDICIA_INVALID_ARGUMENT);
    indicia_set_unref(again);
    CHECK_STATUS(indicia_set_save(NULL, path), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_set_digest(NULL, a), INDICIA_INVALID_ARGUMENT);
    CHECK(indicia_set_count(NULL) == 0 && indicia_set_get(NULL, 0) == NULL);
    indicia_set_ref(NULL);
    indicia_set_unref(NULL);
}

static void scans(void) {
    indicia_set *set = both_feeds();
    indicia_scanner *scanner = NULL;
    indicia_scan_options options;
    hit_list list;
    reentry r;
    kept_strings kept;
    int stopped = 0;
    size_t seen = 0;
    indicia_str labels[1];
    union {
        indicia_scan_options options;
        unsigned char bytes[sizeof(indicia_scan_options) + 8];
    } larger;

    CHECK_STATUS(indicia_scanner_new(set, &scanner), INDICIA_OK);
    memset(&list, 0, sizeof list);
    CHECK_STATUS(indicia_scanner_scan(scanner, str(TEXT), collect, &list), INDICIA_OK);
    CHECK(strcmp(list.text,
                 "11-26 domain subdomain www.bad.example bad.example <www.bad.example>\n"
                 "34-43 ipv4 network 192.0.2.7 192.0.2.0/24 <192.0.2.7>\n"
                 "47-55 ipv4 exact 10.0.0.7 10.0.0.7 !private <10.0.0.7>\n"
                 "60-77 endpoint endpoint 198.51.100.7:8443 198.51.100.7:8443 <198.51.100.7:8443>\n"
                 "104-127 url exact listed.example/path?q=1 http://listed.example/path?q=1 <listed.example/path?q=1>\n"
                 "131-149 email exact phish@mail.example phish@mail.example <phish@mail.example>\n") == 0);
    if (failures) printf("%s", list.text);
    clear(&list);

    CHECK_STATUS(indicia_scanner_scan(scanner, str(TEXT), stop_at_once, &stopped), INDICIA_STOPPED);
    CHECK(stopped == 1);
    CHECK(scan_count(scanner, TEXT) == 6);
    CHECK(scan_count(scanner, "") == 0 && scan_count(scanner, "nothing here") == 0);

    memset(&r, 0, sizeof r);
    r.scanner = scanner;
    CHECK_STATUS(indicia_scanner_scan(scanner, str(TEXT), call_back, &r), INDICIA_OK);
    CHECK(r.scan == INDICIA_INVALID_ARGUMENT && r.lookup == INDICIA_INVALID_ARGUMENT);

    /* options */
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.min_confidence = 60;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_OK);
    CHECK(scan_count(scanner, TEXT) == 4);
    CHECK_STATUS(indicia_scanner_scan(scanner, str(TEXT), check_contexts, &seen), INDICIA_OK);
    CHECK(seen == 1);
    options.min_confidence = 0;
    options.roles = INDICIA_ROLE_PHISHING;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_OK);
    CHECK(scan_count(scanner, TEXT) == 2);
    options.roles = 0;
    options.max_tlp = INDICIA_TLP_GREEN;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_OK);
    CHECK(scan_count(scanner, TEXT) == 5);
    options.max_tlp = 0;
    labels[0] = str("LOADER");
    options.labels = labels;
    options.label_count = 1;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_OK);
    CHECK(scan_count(scanner, TEXT) == 1);
    options.labels = NULL;
    options.label_count = 0;
    options.as_of = str("2026-01-01T00:00:00Z");
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_OK);
    options.as_of = str("event");
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_OK);
    CHECK(scan_count(scanner, TEXT) == 6);
    memset(&options.as_of, 0, sizeof options.as_of);
    options.flags = INDICIA_SCAN_IGNORE_PORTS;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_OK);
    CHECK(scan_count(scanner, "198.51.100.7 alone") == 1);
    options.flags = INDICIA_SCAN_URL_HOSTS;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_OK);
    CHECK(scan_count(scanner, "198.51.100.7 alone") == 0 && scan_count(scanner, "listed.example alone") == 1);
    {
        indicia_str only = str("dest_ip");
        options.flags = INDICIA_SCAN_FIELDS;
        CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_OK);
        CHECK_STATUS(indicia_scanner_scan(scanner, str(RECORD), in_field, NULL), INDICIA_OK);
        CHECK(fields_seen == 2);
        options.only_fields = &only;
        options.only_field_count = 1;
        CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_OK);
        CHECK(scan_count(scanner, RECORD) == 1);
        options.only_fields = NULL;
        options.only_field_count = 0;
    }
    options.flags = INDICIA_SCAN_NO_GUARD;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_OK);
    CHECK_STATUS(indicia_scanner_scan(scanner, str("10.0.0.7"), collect, &list), INDICIA_OK);
    CHECK(list.hits == 1 && strchr(list.text, '!') == NULL);
    clear(&list);
    options.flags = 0;
    CHECK(scan_count(scanner, "www[.]bad[.]example") == 0);
    options.refang = INDICIA_REFANG_STRICT;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_OK);
    CHECK(scan_count(scanner, "www[.]bad[.]example") == 1);

    /* wrong options leave the old ones */
    options.flags = 1u << 31;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_INVALID_ARGUMENT);
    options.flags = 0;
    options.roles = 1u << 9;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_INVALID_ARGUMENT);
    options.roles = 0;
    options.refang = 5;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_INVALID_ARGUMENT);
    options.refang = 0;
    options.max_tlp = 6;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_INVALID_ARGUMENT);
    options.max_tlp = 0;
    options.min_confidence = 101;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_INVALID_ARGUMENT);
    memset(&options.min_confidence, 0xff, sizeof options.min_confidence); /* not a number */
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_INVALID_ARGUMENT);
    options.min_confidence = 0;
    options.as_of = str("yesterday");
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_INVALID_ARGUMENT);
    memset(&options.as_of, 0, sizeof options.as_of);
    options.label_count = 1;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_INVALID_ARGUMENT);
    options.label_count = 0;
    options.struct_size = 0;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_INVALID_ARGUMENT);
    options.struct_size = (size_t)-1;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_scanner_set_options(scanner, NULL), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_scanner_set_options(NULL, &options), INDICIA_INVALID_ARGUMENT);
    CHECK(scan_count(scanner, "www[.]bad[.]example") == 1);
    /* a program with an older header, and one with a newer */
    options.struct_size = offsetof(indicia_scan_options, min_confidence);
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_OK);
    memset(&larger, 0, sizeof larger);
    larger.options.struct_size = sizeof larger;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &larger.options), INDICIA_OK);
    larger.bytes[sizeof larger - 1] = 1;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &larger.options), INDICIA_UNSUPPORTED);

    /* warninglists stay when options change */
    CHECK_STATUS(indicia_scanner_add_warninglist(
                     scanner, str("{\"name\":\"Mine\",\"version\":1,\"type\":\"hostname\",\"list\":[\"bad.example\"]}")),
                 INDICIA_OK);
    CHECK_STATUS(indicia_scanner_add_warninglist(scanner, str("{")), INDICIA_BAD_DOCUMENT);
    CHECK_STATUS(indicia_scanner_add_warninglist(NULL, str("{}")), INDICIA_INVALID_ARGUMENT);
    options.struct_size = sizeof options;
    CHECK_STATUS(indicia_scanner_set_options(scanner, &options), INDICIA_OK);
    CHECK_STATUS(indicia_scanner_scan(scanner, str("bad.example"), collect, &list), INDICIA_OK);
    CHECK(list.text != NULL && strstr(list.text, "!warninglist") != NULL);
    clear(&list);

    CHECK_STATUS(indicia_scanner_scan(scanner, str(TEXT), NULL, NULL), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_scanner_scan(NULL, str(TEXT), count_hits, &seen), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_scanner_new(NULL, &scanner), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_scanner_new(set, NULL), INDICIA_INVALID_ARGUMENT);

    /* an indicator's texts live as long as its set */
    CHECK_STATUS(indicia_scanner_scan(scanner, str("bad.example"), keep_strings, &kept), INDICIA_OK);
    indicia_scanner_free(scanner);
    CHECK(is(kept.feed, "a.csv") && is(kept.value, "bad.example"));
    CHECK(is(indicia_indicator_value(kept.indicator), "bad.example"));
    CHECK(indicia_indicator_match(kept.indicator) == INDICIA_MATCH_SUBDOMAINS);
    indicia_set_unref(set);
    indicia_scanner_free(NULL);
}

static void indicators(void) {
    indicia_set *set = set_of("j.jsonl",
                              "{\"target\":{\"kind\":\"domain\",\"value\":\"*.wild.example\",\"match\":\"subdomains\"},"
                              "\"contexts\":[{\"feed\":\"f\",\"producer\":\"p\",\"role\":\"c2\",\"tlp\":\"amber+strict\"},"
                              "{\"feed\":\"g\"}]}\n");
    const indicia_indicator *i = indicia_set_get(set, 0);
    char buf[1024];
    size_t needed = 0;
    CHECK(is(indicia_indicator_value(i), "*.wild.example") || is(indicia_indicator_value(i), "wild.example"));
    CHECK(indicia_indicator_context_count(i) == 2);
    CHECK(is(indicia_indicator_tlp(i, 0), "amber+strict") || is(indicia_indicator_tlp(i, 1), "amber+strict"));
    CHECK(indicia_indicator_feed(i, 2).ptr == NULL && indicia_indicator_producer(i, 2).ptr == NULL);
    CHECK_STATUS(indicia_indicator_context_json(i, 0, buf, sizeof buf, &needed), INDICIA_OK);
    CHECK(buf[0] == '{' && strlen(buf) == needed);
    CHECK_STATUS(indicia_indicator_context_json(i, 2, buf, sizeof buf, &needed), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_indicator_json(i, buf, 3, &needed), INDICIA_TOO_SMALL);
    CHECK(needed > 50);
    CHECK_STATUS(indicia_indicator_json(i, buf, sizeof buf, &needed), INDICIA_OK);
    CHECK(strstr(buf, "\"value\":\"*.wild.example\",\"match\":\"subdomains\"") != NULL);
    CHECK_STATUS(indicia_indicator_json(NULL, buf, sizeof buf, &needed), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_indicator_context_json(NULL, 0, buf, sizeof buf, &needed), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_hit_json(NULL, buf, sizeof buf, &needed), INDICIA_INVALID_ARGUMENT);
    CHECK(indicia_indicator_kind(NULL) == 0 && indicia_indicator_match(NULL) == 0);
    CHECK(indicia_indicator_context_count(NULL) == 0 && indicia_indicator_value(NULL).ptr == NULL);
    CHECK(indicia_indicator_feed(NULL, 0).ptr == NULL && indicia_indicator_role(NULL, 0).ptr == NULL);
    indicia_set_unref(set);
}

static void lookups(void) {
    indicia_set *set = both_feeds();
    indicia_scanner *scanner = NULL;
    indicia_hit hits[4], before[4];
    size_t n = 55;
    unsigned char address[4] = {192, 0, 2, 9}, ten[4] = {10, 0, 0, 7}, end[4] = {198, 51, 100, 7};
    unsigned char six[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
    unsigned char mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 9};
    unsigned char md5[16] = {0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e};
    const unsigned char name[] = "\3WWW\3bad\7example";
    uint32_t be;

    CHECK_STATUS(indicia_scanner_new(set, &scanner), INDICIA_OK);
    CHECK_STATUS(indicia_scanner_lookup(scanner, INDICIA_KIND_ANY, str("EVIL[.]Bad.Example."), hits, 4, &n), INDICIA_OK);
    CHECK(n == 1 && hits[0].relation == INDICIA_RELATION_SUBDOMAIN && is(hits[0].value, "evil.bad.example"));
    CHECK(hits[0].start == 0 && hits[0].end == 0 && hits[0].raw.len == 0 && hits[0].context_count == 2);
    CHECK_STATUS(indicia_scanner_lookup(scanner, INDICIA_KIND_DOMAIN, str("good.example"), hits, 4, &n), INDICIA_OK);
    CHECK(n == 0);
    CHECK_STATUS(indicia_scanner_lookup(scanner, INDICIA_KIND_ANY, str("http://x.bad.example/"), NULL, 0, &n),
                 INDICIA_TOO_SMALL);
    CHECK(n == 1);
    memset(hits, 0x5a, sizeof hits);
    memcpy(before, hits, sizeof hits);
    CHECK_STATUS(indicia_scanner_lookup(scanner, INDICIA_KIND_ANY, str("http://x.bad.example/"), hits, 0, &n),
                 INDICIA_TOO_SMALL);
    CHECK(memcmp(hits, before, sizeof hits) == 0);
    n = 55;
    CHECK_STATUS(indicia_scanner_lookup(scanner, INDICIA_KIND_IPV4, str("1.2.3.04"), hits, 4, &n),
                 INDICIA_IPV4_LEADING_ZERO);
    CHECK(n == 55 && memcmp(hits, before, sizeof hits) == 0);
    CHECK_STATUS(indicia_scanner_lookup(scanner, 99, str("1.2.3.4"), hits, 4, &n), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_scanner_lookup(scanner, 0, str("1.2.3.4"), NULL, 4, &n), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_scanner_lookup(scanner, 0, str("1.2.3.4"), hits, 4, NULL), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_scanner_lookup(NULL, 0, str("1.2.3.4"), hits, 4, &n), INDICIA_INVALID_ARGUMENT);
    CHECK(n == 55);

    memcpy(&be, address, 4);
    CHECK_STATUS(indicia_scanner_lookup_ip4(scanner, be, 0, hits, 4, &n), INDICIA_OK);
    CHECK(n == 1 && hits[0].relation == INDICIA_RELATION_NETWORK && is(hits[0].value, "192.0.2.9"));
    memcpy(&be, ten, 4);
    CHECK_STATUS(indicia_scanner_lookup_ip4(scanner, be, 443, hits, 4, &n), INDICIA_OK);
    CHECK(n == 1 && hits[0].relation == INDICIA_RELATION_EXACT);
    CHECK(hits[0].guard_count == 1 && is(hits[0].guards[0].rule, "private"));
    memcpy(&be, end, 4);
    CHECK_STATUS(indicia_scanner_lookup_ip4(scanner, be, 0, hits, 4, &n), INDICIA_OK);
    CHECK(n == 0);
    CHECK_STATUS(indicia_scanner_lookup_ip4(scanner, be, 8443, hits, 4, &n), INDICIA_OK);
    CHECK(n == 1 && hits[0].relation == INDICIA_RELATION_ENDPOINT);
    CHECK_STATUS(indicia_scanner_lookup_ip6(scanner, six, 0, hits, 4, &n), INDICIA_OK);
    CHECK(n == 1 && hits[0].relation == INDICIA_RELATION_NETWORK && is(hits[0].value, "2001:db8::9"));
    CHECK_STATUS(indicia_scanner_lookup_ip6(scanner, mapped, 0, hits, 4, &n), INDICIA_OK);
    CHECK(n == 1);
    CHECK_STATUS(indicia_scanner_lookup_ip6(scanner, NULL, 0, hits, 4, &n), INDICIA_INVALID_ARGUMENT);

    CHECK_STATUS(indicia_scanner_lookup_dns(scanner, name, sizeof name, hits, 4, &n), INDICIA_OK);
    CHECK(n == 1 && is(hits[0].value, "www.bad.example"));
    CHECK_STATUS(indicia_scanner_lookup_dns(scanner, name, sizeof name - 1, hits, 4, &n), INDICIA_DOMAIN_SHAPE);
    CHECK_STATUS(indicia_scanner_lookup_dns(scanner, NULL, 4, hits, 4, &n), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_scanner_lookup_dns(scanner, (const unsigned char *)"\xc0\x0c", 2, hits, 4, &n),
                 INDICIA_DOMAIN_SHAPE);
    CHECK(indicia_scanner_lookup_dns(scanner, (const unsigned char *)"", 1, hits, 4, &n) >= INDICIA_EMPTY);

    CHECK_STATUS(indicia_scanner_lookup_digest(scanner, INDICIA_KIND_MD5, md5, 16, hits, 4, &n), INDICIA_OK);
    CHECK(n == 1 && is(hits[0].value, "d41d8cd98f00b204e9800998ecf8427e"));
    CHECK(hits[0].guard_count == 1 && is(hits[0].guards[0].rule, "empty-file"));
    CHECK_STATUS(indicia_scanner_lookup_digest(scanner, INDICIA_KIND_ANY, md5, 16, hits, 4, &n), INDICIA_OK);
    CHECK(n == 1 && hits[0].kind == INDICIA_KIND_MD5);
    CHECK_STATUS(indicia_scanner_lookup_digest(scanner, INDICIA_KIND_JA3, md5, 16, hits, 4, &n), INDICIA_OK);
    CHECK(n == 0);
    CHECK_STATUS(indicia_scanner_lookup_digest(scanner, INDICIA_KIND_MD5, md5, 15, hits, 4, &n), INDICIA_DIGEST_LENGTH);
    CHECK_STATUS(indicia_scanner_lookup_digest(scanner, INDICIA_KIND_ANY, md5, 3, hits, 4, &n), INDICIA_DIGEST_LENGTH);
    CHECK_STATUS(indicia_scanner_lookup_digest(scanner, INDICIA_KIND_URL, md5, 16, hits, 4, &n), INDICIA_DIGEST_LENGTH);

    CHECK_STATUS(indicia_scanner_lookup_url(scanner, str("Listed.Example"), 80, str("/path?q=1"), hits, 4, &n), INDICIA_OK);
    CHECK(n == 1 && hits[0].relation == INDICIA_RELATION_EXACT && hits[0].kind == INDICIA_KIND_URL);
    CHECK_STATUS(indicia_scanner_lookup_url(scanner, str("listed.example"), 0, str("/path?q=1"), hits, 4, &n), INDICIA_OK);
    CHECK(n == 1);
    CHECK_STATUS(indicia_scanner_lookup_url(scanner, str("listed.example"), 443, str("/path?q=2"), hits, 4, &n), INDICIA_OK);
    CHECK(n == 0);
    CHECK_STATUS(indicia_scanner_lookup_url(scanner, str("alt.example"), 8443, str("/x"), hits, 4, &n), INDICIA_OK);
    CHECK(n == 1);
    CHECK_STATUS(indicia_scanner_lookup_url(scanner, str("a.bad.example"), 443, str(""), hits, 4, &n), INDICIA_OK);
    CHECK(n == 1 && hits[0].relation == INDICIA_RELATION_SUBDOMAIN);
    CHECK_STATUS(indicia_scanner_lookup_url(scanner, str("198.51.100.7"), 8443, str("/"), hits, 4, &n), INDICIA_OK);
    CHECK(n == 1 && hits[0].relation == INDICIA_RELATION_ENDPOINT);
    CHECK_STATUS(indicia_scanner_lookup_url(scanner, str("2001:db8::9"), 443, str("/"), hits, 4, &n), INDICIA_OK);
    CHECK(n == 1 && hits[0].relation == INDICIA_RELATION_NETWORK);
    CHECK_STATUS(indicia_scanner_lookup_url(scanner, str("a/b"), 0, str("/"), hits, 4, &n), INDICIA_URL_HOST);
    CHECK_STATUS(indicia_scanner_lookup_url(scanner, str(""), 0, str("/"), hits, 4, &n), INDICIA_URL_HOST);

    indicia_set_unref(set);
    /* The scanner keeps the set. */
    CHECK_STATUS(indicia_scanner_lookup(scanner, 0, str("bad.example"), hits, 4, &n), INDICIA_OK);
    CHECK(n == 1 && is(indicia_indicator_value(hits[0].indicator), "bad.example"));
    indicia_scanner_free(scanner);
}

static void lives(void) {
    indicia_set *one = set_of("one.txt", "one.example\n"), *two = set_of("two.txt", "two.example\n");
    indicia_live *live = NULL;
    indicia_scanner *scanner = NULL;
    kept_strings kept;
    CHECK_STATUS(indicia_live_new(one, &live), INDICIA_OK);
    CHECK_STATUS(indicia_scanner_new_live(live, &scanner), INDICIA_OK);
    CHECK(scan_count(scanner, "one.example two.example two.example") == 1);
    CHECK_STATUS(indicia_scanner_scan(scanner, str("one.example"), keep_strings, &kept), INDICIA_OK);
    CHECK_STATUS(indicia_live_replace(live, two), INDICIA_OK);
    CHECK(scan_count(scanner, "one.example two.example two.example") == 2);
    /* The caller's reference keeps what came from the old set. */
    CHECK(is(indicia_indicator_value(kept.indicator), "one.example"));
    indicia_set_unref(one);
    indicia_set_unref(two);
    CHECK(scan_count(scanner, "one.example two.example two.example") == 2);
    CHECK_STATUS(indicia_live_replace(live, NULL), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_live_replace(NULL, two), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_live_new(NULL, &live), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_scanner_new_live(NULL, &scanner), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_scanner_new_live(live, NULL), INDICIA_INVALID_ARGUMENT);
    indicia_live_free(live);
    CHECK(scan_count(scanner, "one.example two.example two.example") == 2);
    indicia_scanner_free(scanner);
    indicia_live_free(NULL);
}

static void streams(void) {
    indicia_set *set = set_of("one.txt", "one.example\n");
    indicia_scanner *scanner = NULL;
    indicia_stream *stream = NULL;
    hit_list list;
    reentry r;
    int stopped = 0;
    memset(&list, 0, sizeof list);
    CHECK_STATUS(indicia_scanner_new(set, &scanner), INDICIA_OK);
    CHECK_STATUS(indicia_stream_open(scanner, &stream), INDICIA_OK);
    CHECK_STATUS(indicia_stream_feed(stream, str("one.exam"), collect, &list), INDICIA_OK);
    CHECK(list.hits == 0);
    CHECK(scan_count(scanner, "one.example") == 1);
    CHECK_STATUS(indicia_stream_feed(stream, str("ple\none.example one.ex"), collect, &list), INDICIA_OK);
    CHECK(list.hits == 1);
    /* The stream keeps the scanner, and that the set. */
    indicia_scanner_free(scanner);
    indicia_set_unref(set);
    CHECK_STATUS(indicia_stream_close(stream, collect, &list), INDICIA_OK);
    CHECK(list.text != NULL && strcmp(list.text,
                 "0-11 domain exact one.example one.example <one.example>\n"
                 "12-23 domain exact one.example one.example <one.example>\n") == 0);
    clear(&list);

    /* After a stop the stream goes on at the right offset. */
    set = set_of("one.txt", "one.example\n");
    CHECK_STATUS(indicia_scanner_new(set, &scanner), INDICIA_OK);
    indicia_set_unref(set);
    CHECK_STATUS(indicia_stream_open(scanner, &stream), INDICIA_OK);
    CHECK_STATUS(indicia_stream_feed(stream, str("one.example one.example\none."), stop_at_once, &stopped), INDICIA_STOPPED);
    CHECK(stopped == 1);
    CHECK_STATUS(indicia_stream_feed(stream, str("example\n"), collect, &list), INDICIA_OK);
    CHECK(list.text != NULL && strncmp(list.text, "24-35 ", 6) == 0 && list.hits == 1);
    clear(&list);

    memset(&r, 0, sizeof r);
    r.scanner = scanner;
    r.stream = stream;
    CHECK_STATUS(indicia_stream_feed(stream, str("one.example\n"), call_back, &r), INDICIA_OK);
    CHECK(r.scan == INDICIA_INVALID_ARGUMENT && r.feed == INDICIA_INVALID_ARGUMENT && r.close == INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_stream_feed(stream, str("x"), NULL, NULL), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_stream_close(stream, NULL, NULL), INDICIA_OK);
    CHECK_STATUS(indicia_stream_close(NULL, NULL, NULL), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_stream_feed(NULL, str("x"), collect, &list), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_stream_open(NULL, &stream), INDICIA_INVALID_ARGUMENT);
    CHECK_STATUS(indicia_stream_open(scanner, NULL), INDICIA_INVALID_ARGUMENT);
    indicia_scanner_free(scanner);
}

int main(int argc, char **argv) {
    if (argc < 2 || strlen(argv[1]) >= sizeof folder) return 2;
    strcpy(folder, argv[1]);
    if (argc > 2) step = (size_t)atoi(argv[2]);
    CHECK(strcmp(indicia_last_error(), "") == 0);
    values();
    extraction();
    sets();
    scans();
    indicators();
    lookups();
    lives();
    streams();
    return failures != 0;
}
