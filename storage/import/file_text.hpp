#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "storage/import/file_encoding.hpp"
#include "storage/import/utf8_source.hpp"

namespace codasync::storage {

/// The text of a source: its first part at once, and then the rest in pieces.
/// Threads: one.
class FileText {
 public:
  /// Reads the first part. Throws: ReadFailed, also from next().
  FileText(ByteSource& bytes, const FileEncoding& encoding) : source_{bytes, encoding} {
    while (head_.size() < kHeadBytes && !ended_) {
      const auto piece = source_.next();
      head_ += piece;
      ended_ = piece.empty();
    }
  }

  /// Returns: the first part, also after it was read.
  [[nodiscard]] std::string_view head() const noexcept { return head_; }
  [[nodiscard]] bool head_is_all() const noexcept { return ended_; }
  [[nodiscard]] const FileEncoding& encoding() const noexcept { return source_.encoding(); }

  /// Returns: the next piece, from the beginning, valid until the next call; empty: the end.
  std::string_view next() {
    if (!std::exchange(head_read_, true)) return head_;
    return ended_ ? std::string_view{} : source_.next();
  }

 private:
  static constexpr std::size_t kHeadBytes = 256UL * 1024;

  Utf8Source source_;
  std::string head_;
  bool ended_{false};
  bool head_read_{false};
};

/// Returns: why `text`, the first part of a file or, with `is_all`, the whole of it, is not UTF-8:
/// what it means in Windows-1252, and what to do. nullopt: it is UTF-8.
std::optional<std::string> refuse_as_utf8(std::string_view text, bool is_all);

}  // namespace codasync::storage
