#include "api/transport/head.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace codasync::api::transport {
namespace {

constexpr Refusal malformed(std::string_view detail) { return {400, "malformed-request", detail}; }

constexpr auto kTokenChars = [] {  // RFC 9110 section 5.6.2
  std::array<bool, 256> allowed{};
  for (const char c :
       std::string_view{"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "!#$%&'*+-.^_`|~"}) {
    allowed[static_cast<unsigned char>(c)] = true;
  }
  return allowed;
}();

constexpr bool is_token_char(char c) { return kTokenChars[static_cast<unsigned char>(c)]; }

constexpr bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

/// Bytes beyond ASCII are accepted: the service decides about them.
constexpr bool is_printable(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte != 0x7F;
}

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool equals_lower(std::string_view text, std::string_view lower_case) {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return lower(a) == b; });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Removes the part before `separator`, and the separator, from `text`. Returns: that part; all of
/// `text` when it has no separator.
std::string_view take_until(std::string_view& text, std::string_view separator) {
  const auto at = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(std::min(at + separator.size(), text.size()));
  return part;
}

/// A header that the service reads: its name in lower case, and where its value is stored.
struct UsedHeader {
  std::string_view name;
  std::string& (*target)(Request& request);
};
constexpr std::array<UsedHeader, 14> kUsedHeaders{{
    {"accept", [](Request& request) -> std::string& { return request.accept; }},
    {"authorization", [](Request& request) -> std::string& { return request.authorization; }},
    {"if-match", [](Request& request) -> std::string& { return request.if_match.emplace(); }},
    {"if-none-match", [](Request& request) -> std::string& { return request.if_none_match; }},
    {"idempotency-key",
     [](Request& request) -> std::string& { return request.idempotency_key.emplace(); }},
    {"content-type", [](Request& request) -> std::string& { return request.content_type; }},
    {"content-encoding", [](Request& request) -> std::string& { return request.content_encoding; }},
    {"x-request-id", [](Request& request) -> std::string& { return request.request_id; }},
    {"traceparent", [](Request& request) -> std::string& { return request.traceparent; }},
    {"origin", [](Request& request) -> std::string& { return request.origin; }},
    {"sec-fetch-site", [](Request& request) -> std::string& { return request.sec_fetch_site; }},
    {"cookie", [](Request& request) -> std::string& { return request.cookie; }},
    {"access-control-request-method",
     [](Request& request) -> std::string& { return request.preflight_method; }},
    {"last-event-id", [](Request& request) -> std::string& { return request.last_event_id; }},
}};

constexpr std::array<std::pair<std::string_view, Method>, 9> kMethods{{
    {"GET", Method::get},
    {"HEAD", Method::head},
    {"POST", Method::post},
    {"PUT", Method::put},
    {"PATCH", Method::patch},
    {"DELETE", Method::del},
    {"OPTIONS", Method::options},
    {"CONNECT", Method::other},
    {"TRACE", Method::other},
}};

/// Parses one head, line by line. Each step returns the refusal, or nothing when the line is
/// well-formed.
class HeadParser {
 public:
  explicit HeadParser(Sender sender) : from_proxy_{sender == Sender::proxy} {}

  std::optional<Refusal> request_line(std::string_view line) {
    const std::string_view method = take_until(line, " ");
    std::string_view target = take_until(line, " ");
    if (!is_token(method)) return malformed("The request line does not begin with a method.");
    if (!std::all_of(target.begin(), target.end(), is_printable)) {
      return malformed("The request target contains characters that must be percent-encoded.");
    }
    if (auto refusal = version(line)) return refusal;

    bool absolute_without_path{false};
    // The absolute form is for proxies, but a server must take it (RFC 9112 section 3.2.2).
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (equals_lower(target.substr(0, scheme.size()), scheme)) {
        target.remove_prefix(std::min(target.find_first_of("/?", scheme.size()), target.size()));
        if (!target.starts_with('/')) absolute_without_path = true;
        break;
      }
    }
    const std::string_view path = take_until(target, "?");
    if (!absolute_without_path && !path.starts_with('/') && path != "*") {
      return malformed("The request target is neither a path nor an absolute URI.");
    }
    const auto* known = std::find_if(kMethods.begin(), kMethods.end(),
                                     [&](const auto& each) { return each.first == method; });
    if (known == kMethods.end()) {
      return Refusal{501, "method-not-implemented", "This method is not implemented."};
    }
    head_.request.method = known->second;
    head_.request.path = absolute_without_path ? "/" : path;
    head_.request.query = target;
    return std::nullopt;
  }

  std::optional<Refusal> header(std::string_view line) {
    const auto colon = line.find(':');
    // Also refuses a line that begins with a blank (obs-fold) and blanks before the colon.
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
      return malformed("A header line has no well-formed name.");
    }
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trim(line.substr(colon + 1));
    if (!std::all_of(value.begin(), value.end(),
                     [](char c) { return is_printable(c) || is_blank(c); })) {
      return malformed("A header value contains control characters.");
    }
    if (equals_lower(name, "content-length")) return content_length(value);
    if (equals_lower(name, "transfer-encoding")) return transfer_encoding(value);
    if (equals_lower(name, "connection")) return connection(value);
    if (equals_lower(name, "expect")) return expect(value);
    if (equals_lower(name, "host")) return host(value);
    if (equals_lower(name, "x-cache-lookup")) return cache_lookup(value);
    if (equals_lower(name, "x-edge-time")) return edge_time(value);
    if (from_proxy_ && equals_lower(name, "x-forwarded-proto")) return forwarded_scheme(value);
    if (from_proxy_ && equals_lower(name, "x-forwarded-host")) return forwarded_host(value);
    return take(name, value);
  }

  std::variant<Head, Refusal> finish() {
    if (!old_version_ && !has_host_) return malformed("The Host header is missing.");
    if (has_length_ && head_.framing == Framing::chunked) {
      return malformed("Content-Length and Transfer-Encoding exclude each other.");
    }
    if (!forwarded_host_.empty()) head_.request.host = forwarded_host_;
    head_.keep_alive = !says_close_ && (!old_version_ || says_keep_alive_);
    head_.expects_continue = head_.expects_continue && !old_version_;
    head_.takes_chunks = !old_version_;
    return std::move(head_);
  }

 private:
  std::optional<Refusal> version(std::string_view text) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (text.size() != 8 || !text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' ||
        !is_digit(text[7])) {
      return malformed("The request line does not end with an HTTP version.");
    }
    if (text[5] != '1') {
      return Refusal{505, "version-not-supported", "This server supports HTTP/1.1 only."};
    }
    old_version_ = text[7] == '0';
    return std::nullopt;
  }

  std::optional<Refusal> content_length(std::string_view value) {
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), head_.content_length);
    const bool number = error == std::errc{} && end == value.data() + value.size();
    if (!number || std::exchange(has_length_, true)) {
      return malformed("Content-Length must be one decimal number.");
    }
    if (head_.framing == Framing::no_body) head_.framing = Framing::content_length;
    return std::nullopt;
  }

  std::optional<Refusal> transfer_encoding(std::string_view value) {
    if (old_version_) return malformed("HTTP/1.0 has no Transfer-Encoding.");
    if (!equals_lower(value, "chunked")) {
      return Refusal{501, "encoding-not-supported", "The only Transfer-Encoding is chunked."};
    }
    if (head_.framing == Framing::chunked) return malformed("Transfer-Encoding is given twice.");
    head_.framing = Framing::chunked;
    return std::nullopt;
  }

  std::optional<Refusal> connection(std::string_view value) {
    while (!value.empty()) {
      const std::string_view option = trim(take_until(value, ","));
      says_close_ |= equals_lower(option, "close");
      says_keep_alive_ |= equals_lower(option, "keep-alive");
    }
    return std::nullopt;
  }

  std::optional<Refusal> expect(std::string_view value) {
    if (!equals_lower(value, "100-continue")) {
      return Refusal{417, "expectation-failed", "The only expectation is 100-continue."};
    }
    head_.expects_continue = true;
    return std::nullopt;
  }

  std::optional<Refusal> host(std::string_view value) {
    if (std::exchange(has_host_, true)) return malformed("The Host header is given twice.");
    head_.request.host = value;
    return std::nullopt;
  }

  std::optional<Refusal> forwarded_scheme(std::string_view value) {
    head_.request.https = equals_lower(value, "https");
    return std::nullopt;
  }

  std::optional<Refusal> forwarded_host(std::string_view value) {
    forwarded_host_ = value;
    return std::nullopt;
  }

  std::optional<Refusal> cache_lookup(std::string_view value) {
    head_.request.cache_malformed = value == "malformed";
    head_.request.cache_missed = value == "miss" || head_.request.cache_malformed;
    return std::nullopt;
  }

  /// Another value than a number is ignored.
  std::optional<Refusal> edge_time(std::string_view value) {
    double seconds{};
    const char* const end = value.data() + value.size();
    const auto read = std::from_chars(value.data(), end, seconds, std::chars_format::fixed);
    if (read.ec == std::errc{} && read.ptr == end && std::isfinite(seconds))
      head_.request.edge_time = seconds;
    return std::nullopt;
  }

  std::optional<Refusal> take(std::string_view name, std::string_view value) {
    for (std::size_t i = 0; i < kUsedHeaders.size(); ++i) {
      if (!equals_lower(name, kUsedHeaders[i].name)) continue;
      if (std::exchange(seen_[i], true)) {
        return malformed("A header that may be given once is given twice.");
      }
      kUsedHeaders[i].target(head_.request) = value;
      return std::nullopt;
    }
    return std::nullopt;  // it is not used
  }

  const bool from_proxy_;
  Head head_;
  std::string_view forwarded_host_;
  bool old_version_{false};
  bool has_host_{false};
  bool has_length_{false};
  bool says_close_{false};
  bool says_keep_alive_{false};
  std::array<bool, kUsedHeaders.size()> seen_{};
};

}  // namespace

std::variant<Head, Refusal> parse_head(std::string_view text, Sender sender) {
  HeadParser parser{sender};
  if (auto refusal = parser.request_line(take_until(text, "\r\n"))) return *refusal;
  for (auto line = take_until(text, "\r\n"); !line.empty(); line = take_until(text, "\r\n")) {
    if (auto refusal = parser.header(line)) return *refusal;
  }
  return parser.finish();
}

std::optional<Refusal> refuse_early(std::string_view beginning) {
  if (!beginning.empty() && !is_token_char(beginning.front())) {
    return malformed("The request does not begin with a method.");  // such as TLS
  }
  const auto newline = beginning.find('\n');
  if (newline != std::string_view::npos && (newline == 0 || beginning[newline - 1] != '\r')) {
    return malformed("Lines must end with CR LF.");
  }
  if (beginning.size() <= kHeadBytesMax) return std::nullopt;
  if (newline >= kHeadBytesMax) {  // npos, too
    return Refusal{414, "uri-too-long", "The request line is longer than 32 KiB."};
  }
  return Refusal{431, "headers-too-large", "Request line and headers are longer than 32 KiB."};
}

}  // namespace codasync::api::transport
