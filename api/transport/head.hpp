#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "api/http.hpp"
#include "api/transport/refusal.hpp"

namespace codasync::api::transport {

/// Of request line and headers together. Nginx sends below 2 KB; 431 or 414 beyond.
inline constexpr std::size_t kHeadBytesMax = 32 * 1024;

enum class Framing { no_body, content_length, chunked };

/// What stands before the body, checked.
struct Head {
  std::string line;  // for the parser: the request line without the query, and an empty line
  Request request;   // the query and the headers that the service reads; the rest is still to come
  Framing framing{Framing::no_body};
  std::uint64_t content_length{0};
  bool keep_alive{true};
  bool wants_continue{false};
};

/// The gate before the parser: lets through only what RFC 9112 calls well-formed. It looks at each
/// header anyway, so it also takes those that the service reads; neither odd values of typed
/// headers nor ambiguous framing ever reach the parser. `text`: from the first byte of the request
/// line to the empty line, inclusive. Pure.
std::variant<Head, Refusal> check_head(std::string_view text);

/// Returns: the refusal of a head that is not complete yet and that no further byte can mend.
std::optional<Refusal> refuse_early(std::string_view beginning);

}  // namespace codasync::api::transport
