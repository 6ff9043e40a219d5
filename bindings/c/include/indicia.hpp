/*
 * indicia for C++17: the same operations as indicia.h, with handles that free themselves, std::string_view for
 * texts, and exceptions for errors. Header-only; link -lindicia.
 *
 *   indicia::set set = indicia::set::from_feeds({"feed.csv"});
 *   indicia::scanner scanner(set);
 *   scanner.scan(text, [](const indicia::hit &hit) {
 *       std::cout << hit.value() << ' ' << hit.relation_name() << ' ' << hit.indicator().feed(0) << '\n';
 *   });
 *
 * A callback may return void or bool; false stops, and the call returns false. An exception that a callback
 * throws passes no C frame: it is kept, the scan is stopped, and it is thrown again from the call.
 *
 * How long views live: see indicia.h. A hit is a view: it is good until the callback returns, or, from a lookup,
 * until the scanner's next call. An indicator is good as long as its set.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef INDICIA_HPP
#define INDICIA_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "indicia.h"

namespace indicia {

/** A call that did not return INDICIA_OK. */
class error : public std::runtime_error {
public:
    error(indicia_status status, const std::string &message) : std::runtime_error(message), status_(status) {}

    /** The number: INDICIA_IO, INDICIA_IPV4_SHAPE and so on. */
    indicia_status status() const noexcept { return status_; }

    /** The stable word: "ipv4-shape". */
    std::string_view reason() const noexcept { return indicia_status_reason(status_); }

private:
    indicia_status status_;
};

namespace detail {

inline void check(indicia_status status) {
    if (status != INDICIA_OK) {
        throw error(status, indicia_last_error());
    }
}

/** Refuses a library that is not the one of this header; asked once. */
inline void check_abi() {
    static const bool fits = indicia_abi_version() == INDICIA_ABI_VERSION;
    if (!fits) {
        throw error(INDICIA_UNSUPPORTED, "the indicia library that is loaded is not the one of this header");
    }
}

inline indicia_str str(std::string_view text) noexcept { return indicia_str{text.data(), text.size()}; }

inline std::string_view view(indicia_str text) noexcept {
    return text.ptr == nullptr ? std::string_view() : std::string_view(text.ptr, text.len);
}

inline std::string_view view(const char *text) noexcept {
    return text == nullptr ? std::string_view() : std::string_view(text);
}

/** Calls a function of (buf, cap, needed) with a buffer that is large enough. */
template <class Call>
std::string text(Call &&call) {
    std::string out(256, '\0');
    std::size_t needed = 0;
    indicia_status status = call(&out[0], out.size(), &needed);
    if (status == INDICIA_TOO_SMALL) {
        out.resize(needed);
        status = call(&out[0], out.size(), &needed);
    }
    check(status);
    out.resize(needed);
    return out;
}

/** What stands behind a C callback: the caller's function, and an exception that must not pass C. */
template <class F>
struct target {
    F &function;
    std::exception_ptr thrown;

    template <class View, class Raw>
    bool call(const Raw *raw) noexcept {
        try {
            if constexpr (std::is_void_v<decltype(function(View(raw)))>) {
                function(View(raw));
                return true;
            } else {
                return static_cast<bool>(function(View(raw)));
            }
        } catch (...) {
            thrown = std::current_exception();
            return false;
        }
    }

    /** True where the call came to its end, false where the function stopped it. */
    bool finish(indicia_status status) {
        if (thrown) {
            std::rethrow_exception(thrown);
        }
        if (status == INDICIA_STOPPED) {
            return false;
        }
        check(status);
        return true;
    }
};

struct unref {
    void operator()(indicia_set *set) const noexcept { indicia_set_unref(set); }
    void operator()(indicia_scanner *scanner) const noexcept { indicia_scanner_free(scanner); }
    void operator()(indicia_live *live) const noexcept { indicia_live_free(live); }
    void operator()(indicia_stream *stream) const noexcept { indicia_stream_close(stream, nullptr, nullptr); }
};

}  // namespace detail

/** What to look for, and what feeds say of it. A view: good as long as its set. */
class indicator {
public:
    explicit indicator(const indicia_indicator *raw) noexcept : raw_(raw) {}

    indicia_kind kind() const noexcept { return indicia_indicator_kind(raw_); }
    std::string_view kind_name() const noexcept { return detail::view(indicia_kind_name(kind())); }
    std::string_view value() const noexcept { return detail::view(indicia_indicator_value(raw_)); }
    indicia_match match() const noexcept { return indicia_indicator_match(raw_); }
    std::size_t context_count() const noexcept { return indicia_indicator_context_count(raw_); }
    std::string_view feed(std::size_t context) const noexcept {
        return detail::view(indicia_indicator_feed(raw_, context));
    }
    std::string_view producer(std::size_t context) const noexcept {
        return detail::view(indicia_indicator_producer(raw_, context));
    }
    std::string_view role(std::size_t context) const noexcept {
        return detail::view(indicia_indicator_role(raw_, context));
    }
    std::string_view tlp(std::size_t context) const noexcept {
        return detail::view(indicia_indicator_tlp(raw_, context));
    }
    std::string context_json(std::size_t context) const {
        return detail::text([&](char *buf, std::size_t cap, std::size_t *needed) {
            return indicia_indicator_context_json(raw_, context, buf, cap, needed);
        });
    }
    std::string json() const {
        return detail::text([&](char *buf, std::size_t cap, std::size_t *needed) {
            return indicia_indicator_json(raw_, buf, cap, needed);
        });
    }
    const indicia_indicator *raw() const noexcept { return raw_; }

private:
    const indicia_indicator *raw_;
};

/** One place in data where an indicator matches. A view. */
class hit {
public:
    explicit hit(const indicia_hit *raw) noexcept : raw_(raw) {}

    std::size_t start() const noexcept { return raw_->start; }
    std::size_t end() const noexcept { return raw_->end; }
    indicia_relation relation() const noexcept { return raw_->relation; }
    std::string_view relation_name() const noexcept { return detail::view(indicia_relation_name(raw_->relation)); }
    indicia_kind kind() const noexcept { return raw_->kind; }
    std::string_view kind_name() const noexcept { return detail::view(indicia_kind_name(raw_->kind)); }
    std::string_view value() const noexcept { return detail::view(raw_->value); }
    std::string_view text() const noexcept { return detail::view(raw_->raw); }
    indicia::indicator indicator() const noexcept { return indicia::indicator(raw_->indicator); }
    std::size_t guard_count() const noexcept { return raw_->guard_count; }
    std::string_view guard_rule(std::size_t n) const noexcept { return detail::view(raw_->guards[n].rule); }
    std::string_view guard_source(std::size_t n) const noexcept { return detail::view(raw_->guards[n].source); }
    /** How many contexts of the indicator pass the scanner's filter, and the number of each. */
    std::size_t context_count() const noexcept { return raw_->context_count; }
    std::size_t context(std::size_t n) const noexcept { return raw_->contexts[n]; }
    /** The indicator with only these contexts. */
    std::string json() const {
        return detail::text([&](char *buf, std::size_t cap, std::size_t *needed) {
            return indicia_hit_json(raw_, buf, cap, needed);
        });
    }
    const indicia_hit *raw() const noexcept { return raw_; }

private:
    const indicia_hit *raw_;
};

/** The hits of a lookup. A view: good until the scanner's next call. */
class hits {
public:
    std::size_t size() const noexcept { return hits_.size(); }
    bool empty() const noexcept { return hits_.empty(); }
    hit operator[](std::size_t n) const noexcept { return hit(&hits_[n]); }

    class iterator {
    public:
        explicit iterator(const indicia_hit *at) noexcept : at_(at) {}
        hit operator*() const noexcept { return hit(at_); }
        iterator &operator++() noexcept {
            ++at_;
            return *this;
        }
        bool operator!=(const iterator &other) const noexcept { return at_ != other.at_; }

    private:
        const indicia_hit *at_;
    };
    iterator begin() const noexcept { return iterator(hits_.data()); }
    iterator end() const noexcept { return iterator(hits_.data() + hits_.size()); }

private:
    friend class scanner;
    std::vector<indicia_hit> hits_;
};

/** One observable in a text. A view: good until the callback returns. */
class observable {
public:
    explicit observable(const indicia_observable *raw) noexcept : raw_(raw) {}

    std::size_t start() const noexcept { return raw_->start; }
    std::size_t end() const noexcept { return raw_->end; }
    indicia_kind kind() const noexcept { return raw_->kind; }
    std::string_view kind_name() const noexcept { return detail::view(indicia_kind_name(raw_->kind)); }
    /** 0 for none. */
    std::uint32_t port() const noexcept { return raw_->port; }
    std::string_view value() const noexcept { return detail::view(raw_->value); }
    std::string_view text() const noexcept { return detail::view(raw_->raw); }

private:
    const indicia_observable *raw_;
};

/** A compiled set of indicators. Moves; share() gives another handle to the same set. */
class set {
public:
    static set open(const std::string &path) {
        return make([&](indicia_set **out) { return indicia_set_open(path.c_str(), out); });
    }
    static set load(const std::string &path) {
        return make([&](indicia_set **out) { return indicia_set_load(path.c_str(), out); });
    }
    static set from_memory(const void *data, std::size_t size) {
        return make([&](indicia_set **out) { return indicia_set_from_memory(data, size, out); });
    }
    static set from_feeds(const std::vector<std::string> &feeds) {
        std::vector<indicia_str> paths;
        paths.reserve(feeds.size());
        for (const std::string &feed : feeds) {
            paths.push_back(detail::str(feed));
        }
        return make([&](indicia_set **out) { return indicia_set_from_feeds(paths.data(), paths.size(), out); });
    }

    set share() const {
        indicia_set_ref(raw_.get());
        return set(raw_.get());
    }
    void save(const std::string &path) const { detail::check(indicia_set_save(raw_.get(), path.c_str())); }
    std::size_t size() const noexcept { return indicia_set_count(raw_.get()); }
    std::array<std::uint8_t, 32> digest() const {
        std::array<std::uint8_t, 32> digest{};
        detail::check(indicia_set_digest(raw_.get(), digest.data()));
        return digest;
    }
    /** number: below size(). */
    indicator operator[](std::size_t number) const noexcept { return indicator(indicia_set_get(raw_.get(), number)); }
    indicia_set *raw() const noexcept { return raw_.get(); }

private:
    explicit set(indicia_set *raw) noexcept : raw_(raw) {}

    template <class Call>
    static set make(Call &&call) {
        detail::check_abi();
        indicia_set *raw = nullptr;
        detail::check(call(&raw));
        return set(raw);
    }

    std::unique_ptr<indicia_set, detail::unref> raw_;
};

/** A place for the current set, which can be replaced while scanners run. */
class live {
public:
    explicit live(const set &first) {
        detail::check_abi();
        indicia_live *raw = nullptr;
        detail::check(indicia_live_new(first.raw(), &raw));
        raw_.reset(raw);
    }
    void replace(const set &next) { detail::check(indicia_live_replace(raw_.get(), next.raw())); }
    indicia_live *raw() const noexcept { return raw_.get(); }

private:
    std::unique_ptr<indicia_live, detail::unref> raw_;
};

/** Options of a scanner, all at their defaults. */
struct scan_options : indicia_scan_options {
    scan_options() noexcept : indicia_scan_options() { struct_size = sizeof(indicia_scan_options); }
};

/** Options of extract, all at their defaults. */
struct extract_options : indicia_extract_options {
    extract_options() noexcept : indicia_extract_options() { struct_size = sizeof(indicia_extract_options); }
};

/** A set with options and memory to work in: one for each thread. */
class scanner {
public:
    explicit scanner(const set &of) {
        detail::check_abi();
        indicia_scanner *raw = nullptr;
        detail::check(indicia_scanner_new(of.raw(), &raw));
        raw_.reset(raw);
    }
    explicit scanner(const live &of) {
        detail::check_abi();
        indicia_scanner *raw = nullptr;
        detail::check(indicia_scanner_new_live(of.raw(), &raw));
        raw_.reset(raw);
    }

    void set_options(const indicia_scan_options &options) {
        detail::check(indicia_scanner_set_options(raw_.get(), &options));
    }
    void add_warninglist(std::string_view json) {
        detail::check(indicia_scanner_add_warninglist(raw_.get(), detail::str(json)));
    }

    /** Calls on_hit(const hit &) for every hit; false where it stopped the scan. */
    template <class F>
    bool scan(std::string_view data, F &&on_hit) {
        detail::target<std::remove_reference_t<F>> target{on_hit, nullptr};
        return target.finish(indicia_scanner_scan(raw_.get(), detail::str(data), trampoline<F>, &target));
    }

    hits lookup(std::string_view value, indicia_kind kind = INDICIA_KIND_ANY) {
        return look_up([&](indicia_hit *hits, std::size_t cap, std::size_t *n) {
            return indicia_scanner_lookup(raw_.get(), kind, detail::str(value), hits, cap, n);
        });
    }
    /** address: in network byte order, as in in_addr. */
    hits lookup_ip4(std::uint32_t address, std::uint16_t port = 0) {
        return look_up([&](indicia_hit *hits, std::size_t cap, std::size_t *n) {
            return indicia_scanner_lookup_ip4(raw_.get(), address, port, hits, cap, n);
        });
    }
    hits lookup_ip6(const std::array<std::uint8_t, 16> &address, std::uint16_t port = 0) {
        return look_up([&](indicia_hit *hits, std::size_t cap, std::size_t *n) {
            return indicia_scanner_lookup_ip6(raw_.get(), address.data(), port, hits, cap, n);
        });
    }
    hits lookup_dns(const std::uint8_t *name, std::size_t size) {
        return look_up([&](indicia_hit *hits, std::size_t cap, std::size_t *n) {
            return indicia_scanner_lookup_dns(raw_.get(), name, size, hits, cap, n);
        });
    }
    hits lookup_digest(const std::uint8_t *digest, std::size_t size, indicia_kind kind = INDICIA_KIND_ANY) {
        return look_up([&](indicia_hit *hits, std::size_t cap, std::size_t *n) {
            return indicia_scanner_lookup_digest(raw_.get(), kind, digest, size, hits, cap, n);
        });
    }
    hits lookup_url(std::string_view host, std::uint16_t port, std::string_view target) {
        return look_up([&](indicia_hit *hits, std::size_t cap, std::size_t *n) {
            return indicia_scanner_lookup_url(raw_.get(), detail::str(host), port, detail::str(target), hits, cap, n);
        });
    }
    indicia_scanner *raw() const noexcept { return raw_.get(); }

private:
    friend class stream;

    template <class F>
    static bool trampoline(const indicia_hit *raw, void *user) noexcept {
        return static_cast<detail::target<std::remove_reference_t<F>> *>(user)->template call<hit>(raw);
    }

    template <class Call>
    hits look_up(Call &&call) {
        hits found;
        found.hits_.resize(8);
        std::size_t n = 0;
        indicia_status status = call(found.hits_.data(), found.hits_.size(), &n);
        // The set of a live scanner may be another one, with more hits, by the second call.
        while (status == INDICIA_TOO_SMALL) {
            found.hits_.resize(n);
            status = call(found.hits_.data(), found.hits_.size(), &n);
        }
        detail::check(status);
        found.hits_.resize(n);
        return found;
    }

    std::unique_ptr<indicia_scanner, detail::unref> raw_;
};

/** Data that comes in pieces. It keeps its scanner. */
class stream {
public:
    explicit stream(const scanner &of) {
        indicia_stream *raw = nullptr;
        detail::check(indicia_stream_open(of.raw(), &raw));
        raw_.reset(raw);
    }

    /** Calls on_hit(const hit &) for every hit that is certain by now; false where it stopped. */
    template <class F>
    bool feed(std::string_view data, F &&on_hit) {
        detail::target<std::remove_reference_t<F>> target{on_hit, nullptr};
        return target.finish(indicia_stream_feed(raw_.get(), detail::str(data), scanner::trampoline<F>, &target));
    }

    /** Reports the rest; the stream is ended. */
    template <class F>
    bool close(F &&on_hit) {
        detail::target<std::remove_reference_t<F>> target{on_hit, nullptr};
        return target.finish(indicia_stream_close(raw_.release(), scanner::trampoline<F>, &target));
    }

private:
    std::unique_ptr<indicia_stream, detail::unref> raw_;
};

/** The canonical form of a value, defanging undone. */
inline std::string normalize(std::string_view raw, indicia_kind kind = INDICIA_KIND_ANY) {
    detail::check_abi();
    return detail::text([&](char *buf, std::size_t cap, std::size_t *needed) {
        return indicia_normalize(kind, detail::str(raw), buf, cap, needed);
    });
}

/** The kind and canonical form of a value. */
inline std::pair<indicia_kind, std::string> parse(std::string_view raw, indicia_kind kind = INDICIA_KIND_ANY,
                                                  indicia_refang_level level = INDICIA_REFANG_DEFAULT) {
    detail::check_abi();
    indicia_kind found = INDICIA_KIND_ANY;
    std::string value = detail::text([&](char *buf, std::size_t cap, std::size_t *needed) {
        return indicia_parse(kind, level, detail::str(raw), &found, buf, cap, needed);
    });
    return {found, std::move(value)};
}

/** The key of a value: values of one kind are the same where their keys are. */
inline std::string key(std::string_view raw, indicia_kind kind = INDICIA_KIND_ANY,
                       indicia_refang_level level = INDICIA_REFANG_DEFAULT) {
    detail::check_abi();
    return detail::text([&](char *buf, std::size_t cap, std::size_t *needed) {
        return indicia_key(kind, level, detail::str(raw), buf, cap, needed);
    });
}

/** A canonical value so that it cannot be clicked. */
inline std::string defang(indicia_kind kind, std::string_view value) {
    detail::check_abi();
    return detail::text([&](char *buf, std::size_t cap, std::size_t *needed) {
        return indicia_defang(kind, detail::str(value), buf, cap, needed);
    });
}

/** A canonical value so that it cannot be clicked, in a style: INDICIA_DEFANG_*. */
inline std::string defang(indicia_kind kind, std::string_view value, indicia_defang_style style) {
    detail::check_abi();
    return detail::text([&](char *buf, std::size_t cap, std::size_t *needed) {
        return indicia_defang_as(kind, style, detail::str(value), buf, cap, needed);
    });
}

/** Newer tables than those built in, for the whole process; an empty path leaves one. First of all calls, and once. */
inline void use_tables(std::string_view public_suffixes, std::string_view top_level_domains = {},
                       std::string_view shared_hosting = {}) {
    detail::check_abi();
    detail::check(indicia_use_tables(detail::str(public_suffixes), detail::str(top_level_domains),
                                     detail::str(shared_hosting)));
}

/** The kind with exactly this name. */
inline indicia_kind kind_from_name(std::string_view name) {
    indicia_kind kind = INDICIA_KIND_ANY;
    detail::check(indicia_kind_from_name(detail::str(name), &kind));
    return kind;
}

/** Calls on_observable(const observable &) for every observable in data; false where it stopped. */
template <class F>
bool extract(std::string_view data, F &&on_observable, const indicia_extract_options &options = extract_options()) {
    detail::check_abi();
    using target_type = detail::target<std::remove_reference_t<F>>;
    target_type target{on_observable, nullptr};
    indicia_on_observable trampoline = [](const indicia_observable *raw, void *user) noexcept {
        return static_cast<target_type *>(user)->template call<observable>(raw);
    };
    return target.finish(indicia_extract_with(&options, detail::str(data), trampoline, &target));
}

}  // namespace indicia

#endif  // INDICIA_HPP
