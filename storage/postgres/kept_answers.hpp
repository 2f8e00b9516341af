#pragma once

#include <optional>

#include "storage/answer.hpp"
#include "storage/model/ids.hpp"
#include "storage/postgres/transaction.hpp"
#include "storage/postgres/write_transaction.hpp"

// The idempotency keys of single writes. A key's row is claimed first and filled in last, in the
// transaction of the effect: whoever comes with the same key meanwhile waits for that row, and then
// finds the answer or, after a rollback, the free key.

namespace codasync::storage::postgres {

struct Claim {
  enum class State { ours, answered, other_request };
  State state;
  Answer answer{};  // where it is answered
};

/// Throws: see Connection; LockTimeout when another request with this key takes too long.
Claim claim(WriteTransaction& transaction, TokenId token, const IdempotencyKey& key);

/// Keeps the answer under a key that is ours.
void keep(WriteTransaction& transaction, TokenId token, const IdempotencyKey& key,
          const Answer& answer);

/// Waits for a transaction that claimed the key, if it has not ended. Returns: what came of the
/// key; `ours`, and it stays free, when none that claimed it committed.
Claim claim_of(Connection& connection, TokenId token, const IdempotencyKey& key);

/// Returns: a key that no client can send (it begins with a space), for a write that came without
/// one: after a connection lost at COMMIT it is what tells the truth.
IdempotencyKey make_internal_key();

}  // namespace codasync::storage::postgres
