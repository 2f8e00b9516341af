#pragma once

#include <optional>
#include <string>

#include "storage/model/catalogue.hpp"
#include "storage/postgres/write_transaction.hpp"
#include "storage/token.hpp"

namespace codasync::storage::postgres {

struct ProductFields {
  std::string name;
  std::optional<std::string> brand;
  std::optional<std::string> category;
};

/// What becomes of brand and category of a product that is there.
enum class OtherFields { replaced, kept };

/// Creates the product, brings it back or changes it, in one statement with its line in the audit
/// and, where its name changes, the lines of its readings in the change feed. One that was removed
/// comes back with these fields only. Requires: the product's lock is held exclusively.
Product save_product(WriteTransaction& transaction, Gtin gtin, const ProductFields& fields,
                     OtherFields others, const Token& actor);

/// Removes it, with its line in the audit. Requires: as above; no shop has a reading of it.
void remove_product(WriteTransaction& transaction, Gtin gtin, const Token& actor);

}  // namespace codasync::storage::postgres
