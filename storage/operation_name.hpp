#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "storage/model/event.hpp"
#include "storage/model/gtin.hpp"
#include "storage/model/ids.hpp"

// The names of operations: version 8 ids made of what an operation says about itself, so that the
// same operation has the same name however often, and by whatever process, it is handed in. A name
// is the id of the operation's event (storage/README.md, "The identity of an event").

namespace codasync::storage {

/// Returns: the name of a write with an Idempotency-Key. The token is its scope.
Uuid name_of_key(TokenId token, std::string_view key);

/// Returns: the name of a row of a file. Requires: the row says when it was observed; without that
/// two equal rows are two observations.
Uuid name_of_row(ShopId shop, Gtin gtin, const Event& row);

/// Returns: the name of an event that is recorded again because a wrong clock had put it into the
/// future.
Uuid name_of_repetition(EventId event);

}  // namespace codasync::storage
