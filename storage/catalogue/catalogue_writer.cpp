#include "storage/catalogue/catalogue_writer.hpp"

#include <cassert>
#include <exception>
#include <thread>
#include <utility>

#include "storage/operation_name.hpp"

namespace codasync::storage {
namespace {

using postgres::Claim;
using postgres::NamedRequest;
using postgres::Pool;
using postgres::WriteTransaction;

using Result = CatalogueStore::Result;

constexpr int kAttemptsMax = 4;
constexpr std::chrono::milliseconds kPause{20};  // between two checks of a COMMIT in doubt

NamedRequest request_of(const WriteContext& context) {
  if (!context.idempotency_key) return {postgres::make_internal_name()};
  return {name_of_key(context.actor.id, context.idempotency_key->key),
          context.idempotency_key->fingerprint};
}

}  // namespace

Result CatalogueWriter::write(const std::vector<Lock>& locks, const WriteContext& context,
                              const Decide& decide) {
  return run(locks, {context.actor.id}, request_of(context), decide);
}

bool CatalogueWriter::write(const std::vector<Lock>& locks, TokenId actor,
                            const std::function<Changes(WriteTransaction&)>& work) {
  const Result result =
      run(locks, {actor}, {postgres::make_internal_name()}, [&work](WriteTransaction& transaction) {
        return CatalogueEffect{{}, work(transaction)};
      });
  assert(result || result.error() == CatalogueRefusal::token_revoked);
  return static_cast<bool>(result);
}

Result CatalogueWriter::run(const std::vector<Lock>& locks, const std::vector<TokenId>& tokens,
                            const NamedRequest& request, const Decide& decide) {
  for (int number = 1;; ++number) {
    try {
      return attempt(locks, tokens, request, decide);
    } catch (const postgres::Conflict& conflict) {
      if (number == kAttemptsMax) throw Unavailable{"postgres", conflict.what()};
    } catch (const InDoubt& doubt) {
      const Claim claim = resolve_in_doubt(request);
      if (claim.state == Claim::State::other_request)
        return CatalogueRefusal{CatalogueRefusal::key_reused};
      if (claim.state == Claim::State::completed) return claim.response;
      if (number == kAttemptsMax) throw Unavailable{"postgres", doubt.what()};
    }
  }
}

Result CatalogueWriter::attempt(const std::vector<Lock>& locks, const std::vector<TokenId>& tokens,
                                const NamedRequest& request, const Decide& decide) {
  const Pool::Lease lease = pool_.acquire();
  WriteTransaction transaction{*lease, locks, {.tokens = tokens}};
  for (const TokenId token : tokens) {
    if (!transaction.valid(token)) return CatalogueRefusal{CatalogueRefusal::token_revoked};
  }
  Claim claim = postgres::claim(transaction, request);
  if (claim.state == Claim::State::other_request)
    return CatalogueRefusal{CatalogueRefusal::key_reused};
  if (claim.state == Claim::State::completed) return std::move(claim.response);

  Decision decision = decide(transaction);
  if (!decision) return decision.error();
  auto [response, changes] = std::move(decision).value();

  // The deletions are sent before the last statement and awaited after it: the round trips overlap.
  std::unique_ptr<Invalidation::Pending> deletions;
  if (!changes.empty()) {
    deletions = invalidation_.begin(changes, transaction.slots(invalidation_.slot_count()));
  }
  postgres::store_response(transaction, request.name, response);
  if (deletions) deletions->acknowledge();
  transaction.commit();
  return StoredResponse{std::move(response)};
}

/// Determines the result of COMMIT after its connection was lost. Returns: the claim of the key,
/// mostly by that transaction. Throws: InDoubt.
Claim CatalogueWriter::resolve_in_doubt(const NamedRequest& request) {
  const auto deadline = std::chrono::steady_clock::now() + in_doubt_timeout_;
  for (;;) {
    try {
      Claim claim = postgres::find_claim(*pool_.acquire(), request);
      claim.response.replayed = false;
      return claim;
    } catch (const std::exception& failure) {
      if (std::chrono::steady_clock::now() >= deadline) throw InDoubt{failure.what()};
      std::this_thread::sleep_for(kPause);
    }
  }
}

}  // namespace codasync::storage
