#pragma once

#include <string>

#include "storage/model/catalogue.hpp"
#include "storage/postgres/write_transaction.hpp"
#include "storage/token.hpp"
#include "storage/work_list.hpp"

// Changes of a shop's row, each in one statement with its row in the audit. Requires: the shop's
// lock is held exclusively, or no other transaction can see the shop yet.

namespace codasync::storage::postgres {

struct ShopFields {
  std::string name;
  std::string time_zone;
};

/// Throws: UniqueViolation when another shop has the name; so does change_shop().
Shop create_shop(WriteTransaction& transaction, const ShopFields& fields, const Token& actor);
Shop change_shop(WriteTransaction& transaction, ShopId id, const ShopFields& fields,
                 const Token& actor);
/// Returns: the new version.
std::int64_t change_thresholds(WriteTransaction& transaction, ShopId id,
                               const ShopThresholds& thresholds, const Token& actor);
void remove_shop(WriteTransaction& transaction, ShopId id, const Token& actor);

}  // namespace codasync::storage::postgres
