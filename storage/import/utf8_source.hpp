#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

namespace codasync::storage {

/// A text file as a stream of UTF-8, in bounded memory. The first bytes decide the encoding: a byte
/// order mark of UTF-8 or UTF-16, else the zero bytes of ASCII in UTF-16, else UTF-8. Invalid input
/// stays invalid, so that refuse_name() finds it: UTF-8 passes unchanged, and a lone UTF-16
/// surrogate becomes its three bytes, which UTF-8 forbids. Threads: one at a time.
class Utf8Source {
 public:
  /// Requires: `in` outlives the source.
  explicit Utf8Source(std::istream& in);

  /// Returns: the next piece, at most about 100 KiB; empty at the end. It can end inside a
  /// character, and is valid until the next call.
  std::string_view next();

  /// Returns: the number of bytes of the file that were read so far.
  [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_read_; }

  /// Returns: whether reading ended early because the stream failed.
  [[nodiscard]] bool failed() const;

 private:
  enum class Encoding { utf8, utf16_le, utf16_be };

  std::string_view recognise(std::string_view piece);
  void transcode(std::string_view piece);
  void take_unit(char16_t unit);
  void append(char32_t code_point);

  std::istream& in_;
  std::string raw_;
  std::string text_;  // of UTF-16 only
  std::uint64_t bytes_read_{0};
  std::optional<Encoding> encoding_;   // nullopt: before the first piece
  std::optional<unsigned char> half_;  // first byte of a code unit across two pieces
  std::optional<char16_t> high_;       // first surrogate of a pair
};

}  // namespace codasync::storage
