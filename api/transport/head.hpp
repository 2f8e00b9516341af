#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "api/transport/http.hpp"
#include "api/transport/refusal.hpp"

namespace codasync::api::transport {

/// Request line and headers together; beyond it 431 or 414. Nginx sends less than 2 KB.
inline constexpr std::size_t kHeadBytesMax = 32UL * 1024;

enum class Framing { no_body, content_length, chunked };

/// What precedes the body.
struct Head {
  Request request;  // without its body
  Framing framing{Framing::no_body};
  std::uint64_t content_length{0};
  bool keep_alive{true};
  bool takes_chunks{true};  // HTTP/1.1
  bool expects_continue{false};
};

/// Who sends the requests of a connection. Only the reverse proxy can say how the browser reached
/// it (X-Forwarded-Proto, X-Forwarded-Host); of others these headers are dropped.
enum class Sender { client, proxy };

/// Parses a head and refuses what RFC 9112 does not call well-formed, above all ambiguous framing.
/// `text`: from the first byte of the request line to the empty line, inclusive. Pure.
std::variant<Head, Refusal> parse_head(std::string_view text, Sender sender);

/// Returns: the refusal of an incomplete head that no further byte can make valid.
std::optional<Refusal> refuse_early(std::string_view beginning);

}  // namespace codasync::api::transport
