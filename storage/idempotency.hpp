#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace codasync::storage {

/// A client's name for one request, so that repeating the request has no second effect.
struct IdempotencyKey {
  std::string key;                           // 1…255 visible ASCII characters; scope: the token
  std::array<std::uint8_t, 32> fingerprint;  // SHA-256 of the request: another one is refused
};

/// The response to a write, as the caller encoded it. It is stored with the key, in the transaction
/// of the write.
struct StoredResponse {
  std::string text;
  bool replayed{false};  // it is the response of an earlier request with the same key
};

}  // namespace codasync::storage
