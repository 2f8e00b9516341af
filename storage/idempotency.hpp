#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace codasync::storage {

/// A client's own name for one request, so that repeating it has no second effect.
struct IdempotencyKey {
  std::string key;                           // 1…255 visible ASCII characters; scope: the token
  std::array<std::uint8_t, 32> fingerprint;  // of the request: the same key with another is refused
};

/// What the client was told, as the program that tells it wrote it down: kept with the key, in the
/// transaction of the effect.
struct KeptText {
  std::string text;
  bool replayed{false};  // an earlier request with the same key got it
};

}  // namespace codasync::storage
