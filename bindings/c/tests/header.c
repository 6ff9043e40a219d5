/* The header by itself, and the sizes and places that it promises on 64-bit systems. */
#include <indicia.h>

#if __STDC_VERSION__ >= 201112L
#define HOLDS(name, what) _Static_assert(what, #what)
#else
#define HOLDS(name, what) extern int name[(what) ? 1 : -1]
#endif

HOLDS(pointers, sizeof(void *) == 8);
HOLDS(numbers, sizeof(indicia_status) == 4 && sizeof(indicia_kind) == 4 && sizeof(indicia_relation) == 4);
HOLDS(text, sizeof(indicia_str) == 16 && offsetof(indicia_str, len) == 8);
HOLDS(hit, sizeof(indicia_hit) == 128);
HOLDS(hit_end, offsetof(indicia_hit, end) == 8);
HOLDS(hit_relation, offsetof(indicia_hit, relation) == 16);
HOLDS(hit_kind, offsetof(indicia_hit, kind) == 20);
HOLDS(hit_value, offsetof(indicia_hit, value) == 24);
HOLDS(hit_indicator, offsetof(indicia_hit, indicator) == 40);
HOLDS(hit_raw, offsetof(indicia_hit, raw) == 48);
HOLDS(hit_guards, offsetof(indicia_hit, guards) == 64);
HOLDS(hit_contexts, offsetof(indicia_hit, contexts) == 80);
HOLDS(hit_field, offsetof(indicia_hit, field) == 96);
HOLDS(guard, sizeof(indicia_guard) == 32);
HOLDS(observable, sizeof(indicia_observable) == 104);
HOLDS(scan_options, sizeof(indicia_scan_options) == 80 && offsetof(indicia_scan_options, min_confidence) == 24);
HOLDS(extract_options, sizeof(indicia_extract_options) == 64);
HOLDS(fixed, INDICIA_OK == 0 && INDICIA_STOPPED == 1 && INDICIA_TOO_SMALL == 2 && INDICIA_INVALID_ARGUMENT == 3);
HOLDS(kinds, INDICIA_KIND_ANY == 0 && INDICIA_KIND_IPV4 == 1 && INDICIA_KIND_PAYMENT_CARD == 57 &&
                 INDICIA_KIND_OTHER == 255);
