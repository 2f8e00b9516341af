#pragma once

#include <cstddef>
#include <optional>

#include "storage/model/time.hpp"
#include "storage/options.hpp"
#include "storage/token.hpp"

namespace codasync::storage {

/// SHA-256 of a session's secret; the secret itself is not stored. Secrets are made and hashed like
/// those of tokens (storage/token.hpp), so that the log masks them too.
using SessionHash = TokenHash;

/// A session that is in force.
struct Session {
  Token token;
  Instant ends_at;  // if it is not used again; not later than its token
};

/// Sessions of a token in force at the same time; one more ends the one that was not used for the
/// longest time.
inline constexpr std::size_t kSessionsOfTokenMax = 1000;

/// The sessions of browsers. A session belongs to a token and is in force only as long as the token
/// is: each call reads both in one statement, and nothing is cached. So a revoked token ends its
/// sessions in the same instant. Throws: Unavailable. Threads: safe concurrently; every call
/// blocks.
class Sessions {
 public:
  virtual ~Sessions() = default;

  /// Starts a session of the token, and ends `replaced`. Returns: nullopt when the token is
  /// unknown, revoked or has expired; then nothing changes.
  virtual std::optional<Session> start(const TokenHash& token, const SessionHash& hash,
                                       const std::optional<SessionHash>& replaced) = 0;

  /// Returns: the session, and stores that it is used, once a minute; nullopt when it is unknown
  /// or has ended.
  virtual std::optional<Session> find(const SessionHash& hash) = 0;

  /// Ends the session, if it exists.
  virtual void end(const SessionHash& hash) = 0;
};

}  // namespace codasync::storage
