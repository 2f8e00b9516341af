#pragma once

#include <optional>

#include "storage/idempotency.hpp"
#include "storage/model/uuid.hpp"
#include "storage/postgres/transaction.hpp"
#include "storage/postgres/write_transaction.hpp"

// The idempotency keys of single writes. The transaction of the write inserts the key's row first
// and stores the response last. A second request with the key waits for that row, and then finds
// the response or, after a rollback, the free key.

namespace codasync::storage::postgres {

struct Claim {
  enum class State { claimed, completed, other_request };
  State state;
  StoredResponse response{};  // if completed
};

/// The name of a key, and the request that came with it.
struct NamedRequest {
  Uuid name;
  std::array<std::uint8_t, 32> fingerprint{};
};

/// Inserts the row of the name. Throws: see Connection; LockTimeout when another request with this
/// key takes too long.
Claim claim(WriteTransaction& transaction, const NamedRequest& request);

/// Stores the response. Requires: this transaction has claimed the name.
void store_response(WriteTransaction& transaction, const Uuid& name, const std::string& response);

/// Waits for a running transaction that claimed the name. Returns: the state of the name;
/// `claimed`, although it stays free, when no transaction with this name committed.
Claim find_claim(Connection& connection, const NamedRequest& request);

/// Returns: a random name, for a write without a key: if the connection is lost at COMMIT, the row
/// of the name shows whether the transaction committed.
Uuid make_internal_name();

}  // namespace codasync::storage::postgres
