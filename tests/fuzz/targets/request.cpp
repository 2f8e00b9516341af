// Requests as a connection gets them: heads, bodies with their framing, several one after the
// other. The first two bytes choose the limit, the pieces in which they arrive, whether Nginx sends
// them, and whether the bodies of POST requests are uploads.

#include <algorithm>
#include <string>
#include <vector>

#include "api/transport/request_reader.hpp"
#include "tests/fuzz/targets/check.hpp"

namespace {

using namespace codasync::api;
using codasync::fuzz::check;
using Reader = transport::RequestReader;

bool is_one_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7f; });
}

/// Returns: all that the service reads of a request.
std::string text_of(const Reader::Complete& read) {
  const auto& request = read.request;
  std::string text{name_of(request.method)};
  for (const auto& part :
       {request.path, request.query, request.if_match.value_or("-"),
        request.idempotency_key.value_or("-"), request.accept, request.authorization,
        request.if_none_match, request.content_type, request.request_id, request.traceparent,
        request.origin, request.preflight_method, request.last_event_id, request.sec_fetch_site,
        request.cookie, request.host}) {
    check(is_one_line(part), "no part of a head has a line end or another control character");
    text += '\n' + part;
  }
  return text + '\n' + request.body + (request.cache_missed ? 'm' : ' ') +
         (request.cache_malformed ? 'd' : ' ') + (request.https ? 's' : ' ') +
         (read.keep_alive ? 'k' : ' ') + (read.takes_chunks ? 'c' : ' ');
}

/// The bytes of a client, and the pieces in which they arrive.
class Arriving {
 public:
  Arriving(std::string_view bytes, std::size_t piece) : bytes_{bytes}, piece_{piece} {}

  /// Returns: whether there was one more piece.
  bool feed(Reader& reader) {
    if (bytes_.empty()) return false;
    const auto next = bytes_.substr(0, piece_);
    bytes_.remove_prefix(next.size());
    reader.feed(next);
    return true;
  }

 private:
  std::string_view bytes_;
  std::size_t piece_;
};

/// Adds the body of an upload, or the status of its refusal. Returns: whether it is complete.
bool read_upload(Reader& reader, Arriving& bytes, std::size_t limit,
                 std::vector<std::string>& found) {
  std::string body;
  for (;;) {
    auto step = reader.next_piece();
    if (const auto* piece = std::get_if<Reader::Piece>(&step)) {
      body += piece->bytes;
      check(body.size() <= limit, "an upload is within the limit");
      if (!piece->last) continue;
      found.push_back(body);
      return true;
    }
    if (const auto* refusal = std::get_if<transport::Refusal>(&step)) {
      found.push_back(std::to_string(refusal->status));
      return false;
    }
    if (std::holds_alternative<Reader::Incomplete>(step) && !bytes.feed(reader)) {
      found.push_back(body);
      return false;
    }
  }
}

/// Returns: the requests, and the status of the refusal, if there is one.
std::vector<std::string> read_all(Arriving bytes, std::size_t limit, transport::Sender sender,
                                  bool uploads) {
  const UploadRule rule = [&](const Request& head) {
    return uploads && head.method == Method::post ? std::optional{limit} : std::nullopt;
  };
  Reader reader{limit, sender, nullptr, rule};
  std::vector<std::string> found;
  for (;;) {
    auto step = reader.next();
    if (const auto* complete = std::get_if<Reader::Complete>(&step)) {
      check(complete->request.body.size() <= limit, "a body is within the limit");
      check(complete->request.path.starts_with('/') || complete->request.path == "*",
            "an address begins with a slash");
      found.push_back(text_of(*complete));
      if (complete->uploads && !read_upload(reader, bytes, limit, found)) return found;
      if (!complete->keep_alive) return found;
    } else if (const auto* refusal = std::get_if<transport::Refusal>(&step)) {
      check(refusal->status >= 400 && refusal->status < 600, "a refusal is an error");
      found.push_back(std::to_string(refusal->status));
      return found;
    } else if (std::holds_alternative<Reader::Incomplete>(step) && !bytes.feed(reader)) {
      return found;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t limit = 64UL * (1 + data[0]);
  const auto bytes = codasync::fuzz::text_of(data + 2, size - 2);
  const auto sender = (data[1] & 0x80U) != 0 ? transport::Sender::proxy : transport::Sender::client;
  const bool uploads = (data[1] & 0x40U) != 0;
  const auto whole = read_all({bytes, bytes.size() + 1}, limit, sender, uploads);
  const auto in_pieces = read_all({bytes, 1UL + data[1] % 64}, limit, sender, uploads);
  check(whole == in_pieces, "requests mean the same in one piece and in several");
  return 0;
}
