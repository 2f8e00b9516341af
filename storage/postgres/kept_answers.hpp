#pragma once

#include <optional>

#include "storage/idempotency.hpp"
#include "storage/model/uuid.hpp"
#include "storage/postgres/transaction.hpp"
#include "storage/postgres/write_transaction.hpp"

// The idempotency keys of single writes. A key's row is claimed first and filled in last, in the
// transaction of the effect: whoever comes with the same key meanwhile waits for that row, and then
// finds the answer or, after a rollback, the free key.

namespace codasync::storage::postgres {

struct Claim {
  enum class State { ours, answered, other_request };
  State state;
  KeptText answer{};  // where it is answered
};

/// The name of a key, and the request that came with it.
struct NamedRequest {
  Uuid name;
  std::array<std::uint8_t, 32> fingerprint{};
};

/// Throws: see Connection; LockTimeout when another request with this key takes too long.
Claim claim(WriteTransaction& transaction, const NamedRequest& request);

/// Keeps the answer under a name that is ours.
void keep(WriteTransaction& transaction, const Uuid& name, const std::string& answer);

/// Waits for a transaction that claimed the name, if it has not ended. Returns: what came of the
/// name; `ours`, and it stays free, when none that claimed it committed.
Claim claim_of(Connection& connection, const NamedRequest& request);

/// Returns: a random name, for a write that came without a key: after a connection lost at COMMIT
/// the row of the name tells whether it happened.
Uuid make_internal_name();

}  // namespace codasync::storage::postgres
