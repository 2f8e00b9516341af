#pragma once

#include <memory>

#include "cache/cache.hpp"
#include "cache/options.hpp"
#include "cache/slot_identity.hpp"
#include "storage/invalidation.hpp"

namespace codasync::cache {

// Makes the parts of the cache, without headers of the libraries that it uses. Resolves the names
// of the servers first, so not for a thread that must not wait. Requires, for all: the options are
// valid. All references must outlive the result, and so must `identities`, with which each new
// connection is checked.

std::unique_ptr<Cache> make_cache(const MemcachedOptions& options, storage::Database& database,
                                  Observer& observer, const SlotIdentities* identities = nullptr);

std::unique_ptr<storage::Invalidation> make_invalidation(
    const MemcachedOptions& options, Observer& observer,
    const SlotIdentities* identities = nullptr);

}  // namespace codasync::cache
