#include "storage/catalogue_writer.hpp"

#include <cassert>
#include <exception>
#include <optional>
#include <utility>

#include "storage/postgres/kept_answers.hpp"

namespace codasync::storage {
namespace {

using postgres::Claim;
using postgres::Pool;
using postgres::WriteTransaction;

using Result = Outcome<Answer, CatalogueRefusal>;

constexpr int kAttemptsMax = 4;
// A probe waits lock_timeout at most, and a backend that lost its client goes on for
// statement_timeout.
constexpr int kProbesMax = 8;
const TokenId kNobody{0};

/// COMMIT was sent and the connection lost.
struct CommitInDoubt {
  Answer would_be;
  std::string log_detail;
};

}  // namespace

Result CatalogueWriter::write(const std::vector<Lock>& locks, const WriteContext& context,
                              const Decide& decide) {
  return run(locks, {context.actor.id},
             {context.actor.id,
              context.idempotency_key ? *context.idempotency_key : postgres::make_internal_key()},
             decide);
}

void CatalogueWriter::write(const std::vector<Lock>& locks,
                            const std::function<Changes(WriteTransaction&)>& work) {
  const Result result = run(locks, {}, {kNobody, postgres::make_internal_key()},
                            [&work](WriteTransaction& transaction) {
                              return CatalogueEffect{{}, work(transaction)};
                            });
  assert(result);
}

Result CatalogueWriter::run(const std::vector<Lock>& locks, const std::vector<TokenId>& tokens,
                            const Key& key, const Decide& decide) {
  for (int number = 1;; ++number) {
    try {
      return attempt(locks, tokens, key, decide);
    } catch (const postgres::Conflict& conflict) {
      if (number == kAttemptsMax) throw Unavailable{"postgres", conflict.what()};
    } catch (CommitInDoubt& doubt) {
      if (took_effect(key)) return std::move(doubt.would_be);
      if (number == kAttemptsMax) throw Unavailable{"postgres", doubt.log_detail};
    }
  }
}

Result CatalogueWriter::attempt(const std::vector<Lock>& locks, const std::vector<TokenId>& tokens,
                                const Key& key, const Decide& decide) {
  const Pool::Lease lease = pool_.acquire();
  WriteTransaction transaction{*lease, locks, tokens};
  for (const TokenId token : tokens) {
    if (!transaction.valid(token)) return CatalogueRefusal::token_revoked;
  }
  Claim claim = postgres::claim(transaction, key.token, key.key);
  if (claim.state == Claim::State::other_request) return CatalogueRefusal::key_reused;
  if (claim.state == Claim::State::answered) return std::move(claim.answer);

  Decision decision = decide(transaction);
  if (!decision) return decision.error();
  auto [answer, changes] = std::move(decision).value();

  // Sent before the last statement, awaited after it: the round trips overlap.
  std::unique_ptr<Invalidation::Pending> deletions;
  if (!changes.empty()) {
    deletions = invalidation_.begin(changes, transaction.slots(invalidation_.slot_count()));
  }
  postgres::keep(transaction, key.token, key.key, answer);
  if (deletions) deletions->acknowledge();
  try {
    transaction.commit();
  } catch (const InDoubt& doubt) {
    throw CommitInDoubt{std::move(answer), doubt.what()};
  }
  return answer;
}

bool CatalogueWriter::took_effect(const Key& key) {
  std::string last;
  for (int number = 1; number <= kProbesMax; ++number) {
    try {
      return postgres::committed(*pool_.acquire(), key.token, key.key);
    } catch (const std::exception& failure) {
      last = failure.what();
    }
  }
  throw InDoubt{last};
}

}  // namespace codasync::storage
