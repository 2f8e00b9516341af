#pragma once

#include <string>
#include <vector>

#include "storage/invalidation.hpp"
#include "storage/locks.hpp"
#include "storage/postgres/write_transaction.hpp"

namespace codasync::storage::postgres {

/// Returns: everything that shows this product: its row, lists of products, its readings and the
/// lists of their shops. Requires: the product's lock is held exclusively, so that it is not
/// recorded in one more shop meanwhile.
Changes changes_of_product(WriteTransaction& transaction, Gtin gtin);

/// The same for many products; empty for none.
Changes changes_of_products(WriteTransaction& transaction, const std::vector<Gtin>& gtins);

/// Returns: the locks of the shops in `changes`, shared, which its writer has to take before
/// anything is deleted.
std::vector<Lock> shop_locks(const Changes& changes);

}  // namespace codasync::storage::postgres
