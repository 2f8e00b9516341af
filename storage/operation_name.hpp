#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "storage/model/event.hpp"
#include "storage/model/gtin.hpp"
#include "storage/model/ids.hpp"

// The names of operations: version 8 ids computed from the content of an operation. The same
// operation has the same name, however often and through which process it arrives. The name is the
// id of the operation's event (storage/README.md, "The identity of an event").

namespace codasync::storage {

/// Returns: whether the id can be a name.
bool is_name(const Uuid& id);

/// Returns: the name of a write with an Idempotency-Key. The scope of a key is its token.
Uuid name_of_key(TokenId token, std::string_view key);

/// Returns: the name of an operation of a device. The token is no part of it: a device with another
/// token sends the same operations again.
Uuid name_of_operation(const Uuid& device, const Uuid& operation);

/// Returns: the name of an item of a list that no device sends. The scope of its id is the token.
Uuid name_of_item(TokenId token, std::string_view id);

/// Returns: the name of a row of a file. Requires: the row has an `observed_at`; without it two
/// equal rows are two observations.
Uuid name_of_row(ShopId shop, Gtin gtin, const Event& row);

/// Returns: the name of an event that is recorded again after a wrong clock recorded it in the
/// future.
Uuid name_of_repetition(EventId event);

}  // namespace codasync::storage
