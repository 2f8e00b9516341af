#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace codasync::api {

/// The bytes that wait for a client of a stream, at most; a piece that does not fit is not taken.
/// The socket's own buffer is not counted.
inline constexpr std::size_t kStreamBufferBytes = 64UL * 1024;

/// The body of a response that is sent piece by piece. Its end is the destructor: what was taken is
/// still sent, then the body is complete and the connection closes. Move-only. Threads: any, one at
/// a time.
class ResponseStream {
 public:
  /// The transport's side; tests of handlers have their own. Threads: any, one at a time.
  class Sink {
   public:
    virtual ~Sink() = default;  // ends the body, unless it was cut off
    virtual bool write(std::string_view piece) = 0;
    virtual void cut_off() noexcept = 0;
    [[nodiscard]] virtual std::size_t waiting() const noexcept = 0;
    [[nodiscard]] virtual bool client_gone() const noexcept = 0;
  };

  /// `sink`: null pointer for a response without a body.
  explicit ResponseStream(std::unique_ptr<Sink> sink) noexcept : sink_{std::move(sink)} {}

  /// Sends a piece. Returns: false when it does not fit into the buffer, or the client is gone;
  /// then nothing of it was taken.
  bool write(std::string_view piece) { return sink_ && sink_->write(piece); }

  /// Returns: whether at least half of the buffer is free, so that another piece is worth making.
  [[nodiscard]] bool has_room() const noexcept {
    return sink_ && sink_->waiting() <= kStreamBufferBytes / 2;
  }

  /// Returns: whether the socket has taken everything.
  [[nodiscard]] bool all_taken() const noexcept { return !sink_ || sink_->waiting() == 0; }

  /// Closes the connection without the end of the body, so that the client sees that something is
  /// missing. With HTTP/1.0 it cannot see that. Requires: nothing is written afterwards.
  void cut_off() noexcept {
    if (sink_) sink_->cut_off();
  }

  /// Returns: whether the client closed its connection, ended its sending side, or was dropped
  /// because it read nothing for `write_timeout`.
  [[nodiscard]] bool client_gone() const noexcept { return !sink_ || sink_->client_gone(); }

 private:
  std::unique_ptr<Sink> sink_;
};

}  // namespace codasync::api
