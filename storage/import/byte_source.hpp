#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <span>
#include <stdexcept>

namespace codasync::storage {

/// The bytes cannot be read to their end. The text is a sentence for the user.
struct ReadFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The bytes of a file or of a request, read once from the front to the end.
/// Threads: one at a time.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// Waits until there is a byte. Returns: the number of bytes that were stored in `into`; 0 at the
  /// end. Throws: ReadFailed, and exceptions of the implementation.
  std::size_t read(std::span<char> into) {
    const auto count = take(into);
    bytes_read_ += count;
    return count;
  }

  /// Returns: the number of bytes that were read so far.
  [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_read_; }

 private:
  virtual std::size_t take(std::span<char> into) = 0;

  std::uint64_t bytes_read_{0};
};

/// The bytes of a stream. Requires: `in` outlives it.
class StreamSource final : public ByteSource {
 public:
  explicit StreamSource(std::istream& in) : in_{in} {}

 private:
  std::size_t take(std::span<char> into) override;

  std::istream& in_;
};

/// The content of gzip data (RFC 1952), of one member or several, in bounded memory.
class GzipSource final : public ByteSource {
 public:
  /// Requires: `packed` outlives it.
  explicit GzipSource(ByteSource& packed);
  ~GzipSource() override;

 private:
  std::size_t take(std::span<char> into) override;

  struct Inflater;
  std::unique_ptr<Inflater> inflater_;
};

/// Returns the first bytes of another source before the source is read.
class PeekedSource final : public ByteSource {
 public:
  /// Reads up to kPeekBytes. Requires: `source` outlives it.
  explicit PeekedSource(ByteSource& source);

  static constexpr std::size_t kPeekBytes = 512;

  /// Returns: the first bytes; fewer than kPeekBytes only when the source has no more.
  [[nodiscard]] std::span<const char> front() const noexcept { return {front_, size_}; }

 private:
  std::size_t take(std::span<char> into) override;

  ByteSource& source_;
  char front_[kPeekBytes]{};
  std::size_t size_{0};
  std::size_t returned_{0};
};

}  // namespace codasync::storage
