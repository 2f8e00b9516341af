#include "api/transport/body.hpp"

#include <algorithm>
#include <charconv>

namespace codasync::api::transport {
namespace {

constexpr std::uint64_t kReservedMax = 1'000'000;  // an upload is taken in pieces
constexpr std::size_t kLineMax = 4096;             // a chunk's size with extensions, or one trailer
constexpr Refusal kTooLarge{413, "content-too-large",
                            "The request is larger than this server accepts."};
constexpr Refusal kBadChunk{400, "malformed-request", "The chunked body is not well-formed."};

}  // namespace

std::optional<Refusal> BodyReader::start(const Head& head, std::size_t bytes_max) {
  body_.clear();
  line_.clear();
  wire_bytes_ = bytes_max;
  missing_ = head.content_length;
  switch (head.framing) {
    case Framing::no_body:
      part_ = Part::end;
      break;
    case Framing::content_length:
      if (missing_ > bytes_max) return kTooLarge;
      body_.reserve(std::min<std::uint64_t>(missing_, kReservedMax));
      part_ = missing_ == 0 ? Part::end : Part::sized;
      break;
    case Framing::chunked:
      part_ = Part::chunk_size;
      break;
  }
  return std::nullopt;
}

std::optional<Refusal> BodyReader::consume(std::string_view& bytes) {
  while (!bytes.empty() && !complete()) {
    if (part_ == Part::sized) {
      consume_data(bytes, Part::end);
    } else if (part_ == Part::chunk) {
      consume_data(bytes, Part::chunk_end);
    } else if (const auto refusal = consume_line(bytes)) {
      return refusal;
    }
  }
  return std::nullopt;
}

std::string_view BodyReader::take_front(std::string_view& bytes, std::size_t count) {
  const std::string_view front = bytes.substr(0, count);
  bytes.remove_prefix(count);
  wire_bytes_ -= count;
  return front;
}

void BodyReader::consume_data(std::string_view& bytes, Part next) {
  const std::size_t part = std::min<std::uint64_t>(missing_, bytes.size());
  body_.append(take_front(bytes, part));
  missing_ -= part;
  if (missing_ == 0) part_ = next;
}

std::optional<Refusal> BodyReader::consume_line(std::string_view& bytes) {
  const auto newline = bytes.find('\n');
  const std::size_t part = newline == std::string_view::npos ? bytes.size() : newline + 1;
  // The limit that is reached first counts, so the result does not depend on the pieces.
  const std::size_t line_left = kLineMax - line_.size();
  if (part > std::min<std::uint64_t>(line_left, wire_bytes_))
    return line_left <= wire_bytes_ ? kBadChunk : kTooLarge;
  line_.append(take_front(bytes, part));
  if (newline == std::string_view::npos) return std::nullopt;
  if (!line_.ends_with("\r\n")) return kBadChunk;
  const std::string line = std::exchange(line_, {});
  return on_line(std::string_view{line}.substr(0, line.size() - 2));
}

std::optional<Refusal> BodyReader::on_line(std::string_view line) {
  if (part_ == Part::chunk_end) {
    if (!line.empty()) return kBadChunk;
    part_ = Part::chunk_size;
  } else if (part_ == Part::trailer) {
    if (line.empty())
      part_ = Part::end;
    else if (line.find(':') == std::string_view::npos)
      return kBadChunk;  // trailers are not used
  } else {
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), missing_, 16);
    const bool ends_correctly =
        end == line.data() + line.size() || *end == ';' || *end == ' ' || *end == '\t';
    if (error != std::errc{} || !ends_correctly) return kBadChunk;
    if (missing_ > wire_bytes_) return kTooLarge;
    part_ = missing_ == 0 ? Part::trailer : Part::chunk;
  }
  return std::nullopt;
}

}  // namespace codasync::api::transport
