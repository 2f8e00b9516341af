#pragma once

#include <memory>

#include "cache/cache.hpp"
#include "cache/options.hpp"
#include "storage/invalidation.hpp"

namespace codasync::cache {

// Makes the parts of the cache, without headers of the libraries that it uses.
// Requires, for all: the options are valid. All references must outlive the result.

std::unique_ptr<Cache> make_cache(const MemcachedOptions& options, storage::Database& database,
                                  Observer& observer);

std::unique_ptr<storage::Invalidation> make_invalidation(const MemcachedOptions& options,
                                                         Observer& observer);

}  // namespace codasync::cache
