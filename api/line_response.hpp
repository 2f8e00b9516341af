#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "api/transport/response_stream.hpp"

namespace codasync::api {

/// Sends a piece of a stream; waits while the client reads slowly, up to the `write_timeout` of the
/// transport. Returns: false when the client has gone.
bool send_piece(std::string_view piece, ResponseStream& body);

/// Waits until the client has everything, or has gone. The end of a body itself waits only a
/// second.
void await_taken(const ResponseStream& body);

/// The response to an import: JSON objects, one on each line, as they happen. Its head is sent with
/// the first of them; until then the response can still be a problem. Threads: one.
class LineResponse {
 public:
  /// `begin`: sends the head.
  explicit LineResponse(std::function<ResponseStream()> begin) : begin_{std::move(begin)} {}

  /// Returns: whether the head was sent.
  [[nodiscard]] bool begun() const noexcept { return body_.has_value(); }
  /// Sends complete lines. Returns: false when the client has gone.
  bool send(std::string_view lines);
  /// Waits until the client has everything, or has gone.
  void finish() const;
  /// Closes the connection without the end of the body.
  void cut_off() noexcept {
    if (body_) body_->cut_off();
  }

 private:
  const std::function<ResponseStream()> begin_;
  std::optional<ResponseStream> body_;
};

}  // namespace codasync::api
