#pragma once

#include <string>
#include <vector>

#include "storage/invalidation.hpp"
#include "storage/locks.hpp"
#include "storage/postgres/write_transaction.hpp"

namespace codasync::storage::postgres {

/// Returns: everything that shows this product: its row, lists of products, its readings and the
/// lists of their shops. Requires: the product's lock is held exclusively, so that no other shop
/// can record it meanwhile.
Changes changes_of_product(WriteTransaction& transaction, Gtin gtin);

/// The same for several products; empty without products.
Changes changes_of_products(WriteTransaction& transaction, const std::vector<Gtin>& gtins);

/// Returns: the shared locks of the shops in `changes`. The writer must take them before it deletes
/// cache entries.
std::vector<Lock> shop_locks(const Changes& changes);

}  // namespace codasync::storage::postgres
