#include "cache/make_cache.hpp"

#include "cache/memcached_cache.hpp"
#include "cache/memcached_invalidation.hpp"
#include "cache/resolved_address.hpp"

namespace codasync::cache {

std::unique_ptr<Cache> make_cache(const MemcachedOptions& options, storage::Database& database,
                                  Observer& observer, const SlotIdentities* identities) {
  resolve_names(options);
  return std::make_unique<MemcachedCache>(options, database, observer, identities);
}

std::unique_ptr<storage::Invalidation> make_invalidation(const MemcachedOptions& options,
                                                         Observer& observer,
                                                         const SlotIdentities* identities) {
  resolve_names(options);
  return std::make_unique<MemcachedInvalidation>(options, observer, identities);
}

}  // namespace codasync::cache
