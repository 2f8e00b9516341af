#pragma once

#include <cstddef>
#include <memory>

#include "cache/cache.hpp"
#include "cache/options.hpp"
#include "storage/invalidation.hpp"

namespace codasync::cache {

// What main() needs to wire the cache, without any of its libraries.
// Requires, for all: problems(options) is empty. What is passed by reference must outlive the
// result.

std::unique_ptr<Cache> make_cache(const MemcachedOptions& options, storage::Database& database,
                                  Observer& observer);

std::unique_ptr<storage::Invalidation> make_invalidation(const MemcachedOptions& options,
                                                         Observer& observer);

/// Empties one server, before its slot is used again: whoever calls this holds slots_lock()
/// exclusively. Returns once Memcached has acknowledged it.
/// Throws: Unavailable when it does not, within connect_timeout and answer_timeout.
void flush_server(const MemcachedOptions& options, std::size_t slot);

}  // namespace codasync::cache
