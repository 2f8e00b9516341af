#include "storage/sha256.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace codasync::storage {

namespace {

/// Fetched once: the lookup of OpenSSL 3 for each digest would cost twice the digest of a token.
const EVP_MD* implementation() {
  static const EVP_MD* const found = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return found;
}

}  // namespace

std::array<std::uint8_t, 32> sha256(std::string_view bytes) {
  std::array<std::uint8_t, 32> digest{};
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, implementation(), nullptr) !=
      1)
    throw std::runtime_error{"OpenSSL has no SHA-256"};
  return digest;
}

}  // namespace codasync::storage
