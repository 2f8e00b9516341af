#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "storage/model/gtin.hpp"
#include "storage/model/ids.hpp"

namespace codasync::storage {

/// The name of one thing that can change, as the number of a PostgreSQL advisory lock. The order of
/// the numbers is the order in which every writer takes its locks, so that no two can wait for each
/// other. Readings share names by hash: a collision costs a wait or an unfilled entry, never
/// correctness.
struct LockName {
  std::int64_t number;
  friend constexpr auto operator<=>(LockName, LockName) = default;
};

LockName slots_lock();      // which Memcached nodes are in use
LockName keeper_lock();     // whose turn it is to change that; only tried, never waited for
LockName catalogue_lock();  // the set of products as lists show it
LockName shops_lock();      // the set of shops as lists show it
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

/// Returns: the same locks sorted by name, each name once, in its stronger mode.
std::vector<Lock> in_order(std::vector<Lock> locks);

}  // namespace codasync::storage
