#include "storage/postgres/kept_answers.hpp"

#include "storage/model/uuid.hpp"
#include "storage/postgres/await_standby.hpp"
#include "storage/sha256.hpp"

namespace codasync::storage::postgres {
namespace {

// Waits on the unique index while another transaction holds the same key. 102: HTTP's "processing";
// never seen outside its own transaction.
constexpr const char* kClaim =
    "insert into idempotency_keys (token_id, key, fingerprint, status, etag, location, body)"
    " values ($1, $2, $3::bytea, 102, '', '', '') on conflict do nothing returning key";

}  // namespace

Claim claim(WriteTransaction& transaction, TokenId token, const IdempotencyKey& key) {
  const pqxx::result made =
      transaction.exec_params(kClaim, token.value(), key.key, "\\x" + to_hex(key.fingerprint));
  if (!made.empty()) return {Claim::State::ours};
  const pqxx::result rows = transaction.exec_params(
      "select encode(fingerprint, 'hex'), status, etag, location, body from idempotency_keys"
      " where token_id = $1 and key = $2",
      token.value(), key.key);
  if (rows.empty()) throw Conflict{"the idempotency key was deleted for its age just now"};
  const pqxx::row& row = rows[0];
  if (row[0].as<std::string>() != to_hex(key.fingerprint)) return {Claim::State::other_request};
  return {Claim::State::answered,
          {row[1].as<int>(), row[2].as<std::string>(), row[3].as<std::string>(),
           row[4].as<std::string>(), true}};
}

void keep(WriteTransaction& transaction, TokenId token, const IdempotencyKey& key,
          const Answer& answer) {
  transaction.exec_params(
      "update idempotency_keys set status = $3, etag = $4, location = $5, body = $6"
      " where token_id = $1 and key = $2",
      token.value(), key.key, answer.status, answer.etag, answer.location, answer.body);
}

Claim claim_of(Connection& connection, TokenId token, const IdempotencyKey& key) {
  Claim found{Claim::State::ours};
  {
    WriteTransaction probe{connection, {}, {}};
    found = claim(probe, token, key);
  }
  if (found.state != Claim::State::ours) await_standby(connection);
  return found;
}

IdempotencyKey make_internal_key() { return {" " + to_string(Uuid::v7(now())), {}}; }

}  // namespace codasync::storage::postgres
