#include "storage/locks.hpp"

#include <algorithm>

namespace codasync::storage {
namespace {

// The order of the classes is part of the protocol: two releases that run concurrently need the
// same one.
enum class Class : std::int64_t { slots = 1, catalogue, shops, product, shop, reading };

constexpr std::int64_t kMask = (std::int64_t{1} << 56) - 1;

LockName name(Class lock_class, std::int64_t number) {
  return {(static_cast<std::int64_t>(lock_class) << 56) | (number & kMask)};
}

/// Spreads a number over all bits, one to one (the finalizer of MurmurHash3, public domain).
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdU;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53U;
  return x ^ (x >> 33);
}

}  // namespace

LockName slots_lock() { return name(Class::slots, 0); }
LockName keeper_lock() { return name(Class::slots, 1); }
// Among the slots' numbers, because the classes cannot change theirs.
LockName token_lock(TokenId token) { return name(Class::slots, 2 + token.value()); }
LockName catalogue_lock() { return name(Class::catalogue, 0); }
LockName shops_lock() { return name(Class::shops, 0); }
LockName time_zones_lock() { return name(Class::shops, 1); }
LockName product_lock(Gtin gtin) { return name(Class::product, gtin.number()); }
LockName shop_lock(ShopId shop) { return name(Class::shop, shop.value()); }

LockName reading_lock(ShopId shop, Gtin gtin) {
  const std::uint64_t hash = mix(mix(static_cast<std::uint64_t>(shop.value())) +
                                 static_cast<std::uint64_t>(gtin.number()));
  return name(Class::reading, static_cast<std::int64_t>(hash >> 8));
}

std::vector<Lock> in_order(std::vector<Lock> locks) {
  static_assert(LockMode::shared < LockMode::exclusive);
  std::sort(locks.begin(), locks.end(), [](const Lock& a, const Lock& b) {
    return a.name != b.name ? a.name < b.name : a.mode > b.mode;
  });
  const auto end = std::unique(locks.begin(), locks.end(),
                               [](const Lock& a, const Lock& b) { return a.name == b.name; });
  locks.erase(end, locks.end());
  return locks;
}

}  // namespace codasync::storage
