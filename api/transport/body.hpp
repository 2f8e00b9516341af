#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/transport/head.hpp"
#include "api/transport/refusal.hpp"

namespace codasync::api::transport {

/// Collects one request's body from the bytes of a connection as they come (RFC 9112 sections 6 and
/// 7).
class BodyReader {
 public:
  /// `bytes_max`: what the body may take on the wire.
  /// Returns: 413 when its length is known to be beyond that.
  std::optional<Refusal> start(const Head& head, std::size_t bytes_max);

  /// Takes what belongs to the body off the front of `bytes`.
  /// Returns: a refusal, after which the reader may not be used before the next start.
  std::optional<Refusal> consume(std::string_view& bytes);

  [[nodiscard]] bool complete() const noexcept { return part_ == Part::end; }
  [[nodiscard]] std::string take() noexcept { return std::move(body_); }

 private:
  enum class Part { sized, chunk_size, chunk, chunk_end, trailer, end };

  void consume_data(std::string_view& bytes, Part next);
  std::optional<Refusal> consume_line(std::string_view& bytes);
  std::optional<Refusal> on_line(std::string_view line);

  std::string body_;
  std::string line_;  // begun, its end has not come
  Part part_{Part::end};
  std::uint64_t missing_{0};   // of a sized body or of a chunk
  std::size_t wire_bytes_{0};  // may still come
};

}  // namespace codasync::api::transport
