#include "cache/make_cache.hpp"

#include "cache/memcached_cache.hpp"
#include "cache/memcached_invalidation.hpp"

namespace codasync::cache {

std::unique_ptr<Cache> make_cache(const MemcachedOptions& options, storage::Database& database,
                                  Observer& observer) {
  return std::make_unique<MemcachedCache>(options, database, observer);
}

std::unique_ptr<storage::Invalidation> make_invalidation(const MemcachedOptions& options,
                                                         Observer& observer) {
  return std::make_unique<MemcachedInvalidation>(options, observer);
}

}  // namespace codasync::cache
