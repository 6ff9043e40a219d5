// The C++ header: every operation once, and what C cannot do: exceptions. api_cpp FOLDER, where it may write.
#include <indicia.hpp>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

static int failures = 0;

#define CHECK(what)                                                    \
    do {                                                               \
        if (!(what)) {                                                 \
            std::printf("%s:%d: %s\n", __FILE__, __LINE__, #what);     \
            failures++;                                                \
        }                                                              \
    } while (0)

template <class F>
static indicia_status status_of(F &&call) {
    try {
        call();
    } catch (const indicia::error &error) {
        CHECK(std::strlen(error.what()) > 0 && !error.reason().empty());
        return error.status();
    }
    return INDICIA_OK;
}

static std::string write(const std::string &folder, const std::string &name, const std::string &text) {
    std::string path = folder + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    const std::string folder = argv[1];
    const std::string feed = write(folder, "cpp.csv", "indicator,type,role\nbad.example,domain,c2\n192.0.2.0/24,cidr,\n");
    const std::string text = "GET http://www.bad.example/a from 192.0.2.7\n";

    CHECK(indicia::normalize("hxxps://Bad[.]Example/%7Ea") == "https://bad.example/~a");
    CHECK(indicia::parse("EVIL.Example.").first == INDICIA_KIND_DOMAIN);
    CHECK(indicia::key("https://bad.example/a") == "bad.example/a");
    CHECK(indicia::defang(INDICIA_KIND_IPV4, "192.0.2.7") == "192[.]0[.]2[.]7");
    CHECK(indicia::defang(INDICIA_KIND_IPV4, "192.0.2.7", INDICIA_DEFANG_LAST_DOT) == "192.0.2[.]7");
    CHECK(indicia::normalize("https://bad.example/" + std::string(1000, 'a')).size() == 1020);
    CHECK(indicia::kind_from_name("ipv6") == INDICIA_KIND_IPV6);
    CHECK(status_of([] { indicia::normalize("192.0.2.07"); }) == INDICIA_IPV4_LEADING_ZERO);
    CHECK(status_of([] { indicia::set::open("/no/such/file.ind"); }) == INDICIA_IO);
    CHECK(status_of([] { indicia::set::from_memory("x", 1); }) == INDICIA_NOT_A_SET);

    indicia::set set = indicia::set::from_feeds({feed});
    CHECK(set.size() == 2 && set[1].value() == "bad.example" && set[1].role(0) == "c2");
    set.save(folder + "/cpp.ind");
    CHECK(indicia::set::load(folder + "/cpp.ind").digest() == set.digest());
    indicia::set shared = set.share();
    indicia::set moved = std::move(shared);
    CHECK(moved.size() == 2);

    indicia::scanner scanner(set);
    std::string seen;
    CHECK(scanner.scan(text, [&](const indicia::hit &hit) {
        seen += std::string(hit.value()) + " " + std::string(hit.relation_name()) + " " +
                std::string(hit.indicator().feed(hit.context(0))) + " " + std::string(hit.text()) + "\n";
    }));
    CHECK(seen == "www.bad.example subdomain cpp.csv www.bad.example\n192.0.2.7 network cpp.csv 192.0.2.7\n");
    int count = 0;
    CHECK(!scanner.scan(text, [&](const indicia::hit &) { return ++count < 1; }));
    CHECK(count == 1);

    // An exception of a callback comes out of the call, and the scanner is as good as before.
    bool caught = false;
    try {
        scanner.scan(text, [](const indicia::hit &) { throw std::runtime_error("mine"); });
    } catch (const std::runtime_error &error) {
        caught = std::string(error.what()) == "mine";
    }
    CHECK(caught);

    indicia::scan_options options;
    options.roles = INDICIA_ROLE_C2;
    scanner.set_options(options);
    count = 0;
    scanner.scan(text, [&](const indicia::hit &hit) {
        count++;
        CHECK(hit.json().find("\"role\":\"c2\"") != std::string::npos);
    });
    CHECK(count == 1);
    scanner.set_options(indicia::scan_options());

    for (indicia::hit hit : scanner.lookup("a.bad.example")) {
        CHECK(hit.relation() == INDICIA_RELATION_SUBDOMAIN && hit.kind_name() == "domain");
    }
    CHECK(scanner.lookup("a.bad.example", INDICIA_KIND_DOMAIN).size() == 1);
    CHECK(scanner.lookup("good.example").empty());
    const std::uint8_t bytes[4] = {192, 0, 2, 1};
    std::uint32_t address;
    std::memcpy(&address, bytes, 4);
    CHECK(scanner.lookup_ip4(address).size() == 1);
    CHECK(scanner.lookup_ip6({}).empty());
    CHECK(scanner.lookup_url("x.bad.example", 443, "/a").size() == 1);
    CHECK(status_of([&] { scanner.lookup_digest(bytes, 4); }) == INDICIA_DIGEST_LENGTH);

    indicia::live live(set);
    indicia::scanner following(live);
    CHECK(following.lookup("other.example").empty());
    live.replace(indicia::set::from_feeds({write(folder, "cpp.txt", "other.example\n")}));
    CHECK(following.lookup("other.example").size() == 1);

    indicia::stream stream(scanner);
    std::size_t hits = 0;
    auto on_hit = [&](const indicia::hit &hit) { hits += hit.end(); };
    stream.feed("x bad.ex", on_hit);
    stream.feed("ample", on_hit);
    CHECK(hits == 0);
    stream.close(on_hit);
    CHECK(hits == 13);
    indicia::stream left_open(scanner);
    left_open.feed("bad.example", on_hit);

    std::string found;
    CHECK(indicia::extract(text, [&](const indicia::observable &o) { found += std::string(o.value()) + " "; }));
    CHECK(found == "http://www.bad.example/a 192.0.2.7 ");
    indicia::extract_options nested;
    nested.flags = INDICIA_EXTRACT_NESTED;
    count = 0;
    CHECK(indicia::extract(text, [&](const indicia::observable &) { return ++count < 100; }, nested));
    CHECK(count == 3);
    return failures != 0;
}
