#include "api/transport/request_reader.hpp"

#include <algorithm>
#include <utility>

namespace codasync::api::transport {

constexpr std::size_t kKeptMemory = 16UL * 1024;  // buffer of an idle connection
constexpr std::size_t kSkippedMax = 64;           // bytes of empty lines before one request

void RequestReader::feed(std::string_view bytes) {
  discard_read();
  buffer_.append(bytes);
}

void RequestReader::discard_read() {
  scanned_ -= std::min(scanned_, at_);
  buffer_.erase(0, std::exchange(at_, 0));
  if (buffer_.empty() && buffer_.capacity() > kKeptMemory) buffer_.shrink_to_fit();
}

RequestReader::Step RequestReader::next() { return in_body_ ? read_body() : read_head(); }

/// Returns: false when there are too many.
bool RequestReader::skip_empty_lines() {
  // Some clients send one after a body (RFC 9112 section 2.2).
  constexpr std::string_view kEmptyLine = "\r\n";
  while (std::string_view{buffer_}.substr(at_).starts_with(kEmptyLine)) {
    at_ += kEmptyLine.size();
    skipped_ += kEmptyLine.size();
    if (skipped_ > kSkippedMax) return false;
  }
  scanned_ = std::max(scanned_, at_);
  return true;
}

RequestReader::Step RequestReader::read_head() {
  if (!skip_empty_lines())
    return Refusal{400, "malformed-request", "Too many empty lines precede the request line."};
  if (std::string_view{buffer_}.substr(at_) == "\r") return Incomplete{};

  constexpr std::string_view kEnd = "\r\n\r\n";
  const std::size_t end = buffer_.find(kEnd, scanned_);
  const bool complete = end != std::string::npos;
  const std::size_t stop = complete ? end + kEnd.size() : buffer_.size();
  const std::string_view text = std::string_view{buffer_}.substr(at_, stop - at_);
  if (const auto refusal = refuse_early(text)) return *refusal;
  if (!complete) {
    scanned_ = std::max(at_, buffer_.size() - std::min(buffer_.size(), kEnd.size() - 1));
    return Incomplete{};
  }

  auto parsed = parse_head(text, sender_);
  if (const auto* refusal = std::get_if<Refusal>(&parsed)) return *refusal;
  Head& head = std::get<Head>(parsed);
  if (text.size() > bytes_max_)
    return Refusal{413, "content-too-large", "The request is too large."};
  const auto upload_max = uploads_(head.request);
  if (const auto refusal = body_.start(head, upload_max.value_or(bytes_max_ - text.size())))
    return *refusal;

  message_ = {std::move(head.request), head.keep_alive, head.takes_chunks, upload_max.has_value()};
  expects_continue_ = head.expects_continue;
  in_body_ = true;
  skipped_ = 0;
  at_ = scanned_ = stop;
  if (message_.uploads) return std::move(message_);
  auto step = read_body();
  const bool waits =
      std::holds_alternative<Incomplete>(step) || std::holds_alternative<ExpectsContinue>(step);
  if (!waits || needs_body_ == nullptr || !*needs_body_ || (*needs_body_)(message_.request))
    return step;
  message_.keep_alive = false;  // the next request begins after a body that is not read
  return std::move(message_);
}

/// Passes the bytes that were fed to the body. Returns: nothing when more are needed, or some of
/// them are in the body.
std::optional<RequestReader::PieceStep> RequestReader::consume_body() {
  std::string_view bytes = std::string_view{buffer_}.substr(at_);
  const auto refusal = body_.consume(bytes);
  const bool arrived = bytes.size() < buffer_.size() - at_;
  at_ = scanned_ = buffer_.size() - bytes.size();
  if (refusal) return *refusal;
  if (arrived) expects_continue_ = false;  // it did not wait
  if (!body_.complete() && std::exchange(expects_continue_, false)) return ExpectsContinue{};
  if (body_.complete()) {
    in_body_ = false;
    if (at_ == buffer_.size()) discard_read();  // the connection may be idle from now on
  }
  return std::nullopt;
}

RequestReader::Step RequestReader::read_body() {
  if (const auto step = consume_body()) {
    if (const auto* refusal = std::get_if<Refusal>(&*step)) return *refusal;
    return ExpectsContinue{};
  }
  if (!body_.complete()) return Incomplete{};
  message_.request.body = body_.take();
  return std::move(message_);
}

RequestReader::PieceStep RequestReader::next_piece() {
  if (const auto step = consume_body()) return *step;
  Piece piece{body_.take(), body_.complete()};
  if (piece.bytes.empty() && !piece.last) return Incomplete{};
  return piece;
}

}  // namespace codasync::api::transport
