#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "api/http.hpp"
#include "api/transport/body.hpp"
#include "api/transport/parser.hpp"
#include "api/transport/refusal.hpp"

namespace codasync::api::transport {

/// The bytes of one connection, cut into requests. Bytes beyond a request (pipelining) wait for the
/// next one.
class RequestReader {
 public:
  struct Incomplete {};     // feed more
  struct WantsContinue {};  // told once: the client waits for 100 before it sends the body
  struct Complete {
    Request request;
    bool keep_alive;
  };
  using Step = std::variant<Incomplete, WantsContinue, Complete, Refusal>;

  /// `bytes_max`: request line, headers and body together.
  explicit RequestReader(std::size_t bytes_max) : bytes_max_{bytes_max} {}

  void feed(std::string_view bytes);

  /// Goes on with what was fed. After a refusal the connection can only be closed.
  Step next(Parser& parser);

  /// Whether bytes of a request have come that was not handed out yet.
  [[nodiscard]] bool started() const noexcept { return in_body_ || at_ < buffer_.size(); }

 private:
  Step read_head(Parser& parser);
  Step read_body();
  void skip_empty_lines();
  void forget_read();

  std::size_t bytes_max_;
  std::string buffer_;      // small while the connection is idle
  std::size_t at_{0};       // everything before is used
  std::size_t scanned_{0};  // no end of the head before this
  bool in_body_{false};
  bool wants_continue_{false};
  Complete message_{};
  BodyReader body_;
};

}  // namespace codasync::api::transport
