#pragma once

#include <optional>
#include <string>

#include "storage/model/catalogue.hpp"
#include "storage/postgres/write_transaction.hpp"
#include "storage/token.hpp"

namespace codasync::storage::postgres {

struct ProductColumns {
  std::string name;
  std::optional<std::string> brand;
  std::optional<std::string> category;
};

/// Whether brand and category of an existing product are replaced.
enum class OtherFields { replaced, kept };

/// Creates or changes the product, in one statement with its row in the audit and, if its name
/// changes, the rows of its readings in the change feed. A removed product gets these fields only.
/// Requires: the product's lock is held exclusively.
Product save_product(WriteTransaction& transaction, Gtin gtin, const ProductColumns& fields,
                     OtherFields others, const Token& actor);

/// Removes the product, with its row in the audit. Requires: as above; no shop has a reading of it.
void remove_product(WriteTransaction& transaction, Gtin gtin, const Token& actor);

}  // namespace codasync::storage::postgres
