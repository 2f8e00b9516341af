#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "api/transport/body.hpp"
#include "api/transport/head.hpp"
#include "api/transport/http.hpp"
#include "api/transport/needs_body.hpp"
#include "api/transport/refusal.hpp"
#include "api/transport/upload.hpp"

namespace codasync::api::transport {

/// Splits the bytes of one connection into requests. Bytes after a request (pipelining) are kept
/// for the next one. Threads: one.
class RequestReader {
 public:
  struct Incomplete {};       // more bytes are needed
  struct ExpectsContinue {};  // once: the client waits for 100 before it sends the body
  struct Complete {
    Request request;
    bool keep_alive;
    bool takes_chunks;  // in the response
    bool uploads;       // its body follows: next_piece()
  };
  struct Piece {
    std::string bytes;
    bool last;
  };
  using Step = std::variant<Incomplete, ExpectsContinue, Complete, Refusal>;
  using PieceStep = std::variant<Incomplete, ExpectsContinue, Piece, Refusal>;

  /// `bytes_max`: request line, headers and body together. `needs_body`: null when each body is
  /// needed; it and `uploads` must outlive the reader.
  RequestReader(std::size_t bytes_max, Sender sender, const NeedsBody* needs_body = nullptr,
                const UploadRule& uploads = no_uploads())
      : bytes_max_{bytes_max}, sender_{sender}, needs_body_{needs_body}, uploads_{uploads} {}

  /// Adds bytes that have arrived. They are copied.
  void feed(std::string_view bytes);

  /// Parses what was fed. Call it until it is Incomplete. After a refusal, or a request without
  /// `keep_alive`, the connection can only be closed.
  Step next();

  /// Returns: what was fed of the body of an upload; it has no next() until the last piece.
  PieceStep next_piece();

  /// Returns: whether bytes of an incomplete request have arrived. Empty lines before the request
  /// line are not part of it.
  [[nodiscard]] bool started() const noexcept { return in_body_ || at_ < buffer_.size(); }

  /// Returns: whether any byte has arrived since the last request, also of an empty line.
  [[nodiscard]] bool touched() const noexcept { return started() || skipped_ > 0; }

 private:
  Step read_head();
  Step read_body();
  std::optional<PieceStep> consume_body();
  [[nodiscard]] bool skip_empty_lines();
  void discard_read();

  std::size_t bytes_max_;
  Sender sender_;
  const NeedsBody* needs_body_;
  const UploadRule& uploads_;
  std::string buffer_;      // small while the connection is idle
  std::size_t at_{0};       // the bytes before it are consumed
  std::size_t scanned_{0};  // the head does not end before it
  std::size_t skipped_{0};  // bytes of empty lines since the last request
  bool in_body_{false};
  bool expects_continue_{false};
  Complete message_{};
  BodyReader body_;
};

}  // namespace codasync::api::transport
