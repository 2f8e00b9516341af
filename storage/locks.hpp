#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "storage/model/gtin.hpp"
#include "storage/model/ids.hpp"

namespace codasync::storage {

/// The name of one unit of data, as the number of a PostgreSQL advisory lock. Every writer takes
/// its locks in the order of these numbers, so no deadlock is possible. Names of readings are
/// hashes: a collision costs a wait or a skipped fill, never correctness.
struct LockName {
  std::int64_t number;
  friend constexpr auto operator<=>(LockName, LockName) = default;
};

LockName slots_lock();               // the states of the Memcached slots
LockName keeper_lock();              // the right to change them; only tried, never waited for
LockName token_lock(TokenId token);  // who may write: shared by the token's writes
LockName catalogue_lock();           // the lists of products
LockName shops_lock();               // the lists of shops
LockName time_zones_lock();  // the time zones of all shops, for what shows readings of several
LockName product_lock(Gtin gtin);
LockName shop_lock(ShopId shop);
LockName reading_lock(ShopId shop, Gtin gtin);

/// Shared locks exclude exclusive ones only.
enum class LockMode { shared, exclusive };

struct Lock {
  LockName name;
  LockMode mode;
  friend constexpr auto operator<=>(const Lock&, const Lock&) = default;
};

inline Lock shared(LockName name) { return {name, LockMode::shared}; }
inline Lock exclusive(LockName name) { return {name, LockMode::exclusive}; }

/// Returns: the locks sorted by name, each name once, in its stronger mode.
std::vector<Lock> in_order(std::vector<Lock> locks);

}  // namespace codasync::storage
