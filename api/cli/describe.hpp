#pragma once

#include <optional>
#include <string>

#include "storage/catalogue_store.hpp"
#include "storage/stock_ledger.hpp"

namespace codasync::api::cli {

/// Returns: what would change of a product, old → new.
std::string describe(const storage::CatalogueStore::ProductDifference& difference);

/// Returns: what would change of a reading, old → new; nullopt: neither date nor quantity.
std::optional<std::string> describe(const storage::Written& written);

}  // namespace codasync::api::cli
