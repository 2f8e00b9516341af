#include "storage/sha256.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace codasync::storage {

namespace {

/// OpenSSL 3 looks its implementation up for each digest otherwise, which costs twice the digest of
/// a token. Lives as long as the process.
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

std::string to_hex(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

}  // namespace codasync::storage
