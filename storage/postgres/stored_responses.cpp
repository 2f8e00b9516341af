#include "storage/postgres/stored_responses.hpp"

#include "storage/model/encoding.hpp"
#include "storage/postgres/await_standby.hpp"

namespace codasync::storage::postgres {
namespace {

// Waits on the unique index while another transaction has the same name. A row with a null answer
// is visible to its own transaction only.
constexpr const char* kClaim =
    "insert into idempotency_keys (name, fingerprint) values ($1::uuid, $2::bytea)"
    " on conflict do nothing returning name";

}  // namespace

Claim claim(WriteTransaction& transaction, const NamedRequest& request) {
  const auto name = to_string(request.name);
  const auto fingerprint = to_hex(request.fingerprint);
  const pqxx::result made = transaction.exec_params(kClaim, name, "\\x" + fingerprint);
  if (!made.empty()) return {Claim::State::claimed};
  const pqxx::result rows = transaction.exec_params(
      "select encode(fingerprint, 'hex') as fingerprint, answer from idempotency_keys"
      " where name = $1::uuid",
      name);
  if (rows.empty()) throw Conflict{"the idempotency key expired and was deleted just now"};
  const pqxx::row row = rows[0];
  if (row["fingerprint"].as<std::string>() != fingerprint) return {Claim::State::other_request};
  return {Claim::State::completed, {row["answer"].as<std::string>(), true}};
}

void store_response(WriteTransaction& transaction, const Uuid& name, const std::string& response) {
  transaction.exec_params("update idempotency_keys set answer = $2 where name = $1::uuid",
                          to_string(name), response);
}

Claim find_claim(Connection& connection, const NamedRequest& request) {
  Claim found{Claim::State::claimed};
  {
    WriteTransaction probe{connection, {}};
    found = claim(probe, request);
  }
  if (found.state != Claim::State::claimed) await_standby(connection);
  return found;
}

Uuid make_internal_name() { return Uuid::v7(now()); }

}  // namespace codasync::storage::postgres
