#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/transport/head.hpp"
#include "api/transport/refusal.hpp"

namespace codasync::api::transport {

/// Collects the body of one request from the bytes of a connection as they arrive (RFC 9112
/// sections 6 and 7). Threads: one.
class BodyReader {
 public:
  /// `bytes_max`: limit of the body's bytes on the wire.
  /// Returns: 413 when its length is known to exceed that.
  std::optional<Refusal> start(const Head& head, std::size_t bytes_max);

  /// Removes the bytes of the body from the front of `bytes`.
  /// Returns: a refusal; the reader must be started again after it.
  std::optional<Refusal> consume(std::string_view& bytes);

  /// Returns: whether the last byte of the body was consumed.
  [[nodiscard]] bool complete() const noexcept { return part_ == Part::end; }
  /// Returns: the bytes since the last call.
  [[nodiscard]] std::string take() noexcept { return std::exchange(body_, {}); }

 private:
  enum class Part { sized, chunk_size, chunk, chunk_end, trailer, end };

  std::string_view take_front(std::string_view& bytes, std::size_t count);
  void consume_data(std::string_view& bytes, Part next);
  std::optional<Refusal> consume_line(std::string_view& bytes);
  std::optional<Refusal> on_line(std::string_view line);

  std::string body_;
  std::string line_;  // incomplete
  Part part_{Part::end};
  std::uint64_t missing_{0};   // bytes of a sized body or of a chunk, at most wire_bytes_
  std::size_t wire_bytes_{0};  // that may still arrive
};

}  // namespace codasync::api::transport
