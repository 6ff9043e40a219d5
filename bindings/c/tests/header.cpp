// The headers by themselves, in either order, and the sizes that C sees too.
#include <indicia.hpp>

#include <indicia.h>

static_assert(sizeof(indicia_hit) == 128 && sizeof(indicia_observable) == 104 && sizeof(indicia_scan_options) == 80);
static_assert(!std::is_copy_constructible_v<indicia::set> && std::is_nothrow_move_constructible_v<indicia::set>);
static_assert(!std::is_copy_constructible_v<indicia::scanner> && std::is_nothrow_move_constructible_v<indicia::scanner>);
static_assert(!std::is_copy_constructible_v<indicia::stream> && std::is_nothrow_move_constructible_v<indicia::stream>);
static_assert(!std::is_copy_constructible_v<indicia::live> && std::is_nothrow_move_constructible_v<indicia::live>);
