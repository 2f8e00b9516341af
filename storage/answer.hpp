#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace codasync::storage {

/// What a client was told after a write; kept with its idempotency key, in the same transaction as
/// the effect.
struct Answer {
  int status{200};
  std::string etag{};      // empty: none
  std::string location{};  // empty: none
  std::string body{};
  bool replayed{false};  // an earlier request with the same key got it
};

/// A client's own name for one request, so that repeating it has no second effect.
struct IdempotencyKey {
  std::string key;  // 1…255 visible ASCII characters; scope: the token
  std::array<std::uint8_t, 32>
      fingerprint;  // SHA-256 of method, path and body: the same key with another one is refused
};

}  // namespace codasync::storage
