#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/import/byte_source.hpp"
#include "storage/import/file_encoding.hpp"

namespace codasync::storage {

/// Decodes single-byte characters: for each byte its character in UTF-8. A byte that has no
/// character stays as it is, so that it is not valid UTF-8.
class SingleByteDecoder {
 public:
  /// `name`: of the encoding, for iconv(3). Throws: std::runtime_error when the C library does not
  /// have it.
  explicit SingleByteDecoder(const std::string& name);

  [[nodiscard]] std::string_view operator[](char byte) const noexcept {
    return characters_[static_cast<unsigned char>(byte)];
  }

 private:
  std::array<std::string, 256> characters_;
};

/// A text file as a stream of UTF-8, in bounded memory, without byte order marks at its front (some
/// programs write two). Invalid input stays invalid, so that refuse_name() finds it: UTF-8 passes
/// unchanged, and a lone UTF-16 surrogate becomes its three bytes, which UTF-8 forbids. Threads:
/// one at a time.
class Utf8Source {
 public:
  /// Requires: `bytes` outlives the source. Throws: see SingleByteDecoder.
  explicit Utf8Source(ByteSource& bytes, FileEncoding encoding = {});

  /// Returns: the next piece, at most about 200 KiB; empty at the end. It can end inside a
  /// character, and is valid until the next call. Throws: see ByteSource::read.
  std::string_view next();

  /// Returns: the encoding; after the first piece it is not `automatic`.
  [[nodiscard]] const FileEncoding& encoding() const noexcept { return encoding_; }

 private:
  bool fill();
  void recognise();
  void transcode(std::string_view piece);
  void take_unit(char16_t unit);
  void append(char32_t code_point);

  ByteSource& bytes_;
  FileEncoding encoding_;
  std::optional<SingleByteDecoder> single_byte_;
  std::string raw_;
  std::string text_;  // decoded; not of UTF-8
  bool first_{true};
  bool ended_{false};
  std::optional<unsigned char> half_;  // first byte of a code unit across two pieces
  std::optional<char16_t> high_;       // first surrogate of a pair
};

}  // namespace codasync::storage
