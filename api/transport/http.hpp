#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/model/time.hpp"

namespace codasync::api {

enum class Method { get, head, post, put, patch, del, options, other };

std::string_view name_of(Method method);

class Upload;  // upload.hpp

/// One well-formed HTTP request, with nothing decoded.
struct Request {
  Method method{Method::get};
  std::string path;   // as sent, without the query: may contain percent escapes
  std::string query;  // as sent, without the question mark
  std::string body;
  std::shared_ptr<Upload> upload{};  // reads the body, and `body` is empty; null pointer: no upload
  // The headers that the service reads, without blanks at their ends.
  // Optional where an empty header differs from an absent one.
  std::optional<std::string> if_match;
  std::optional<std::string> idempotency_key;
  // Empty when absent.
  std::string accept;  // used only for exports
  std::string authorization;
  std::string if_none_match;
  std::string content_type;
  std::string content_encoding;
  std::string request_id;
  std::string traceparent;
  std::string origin;          // of the web page that sends the request
  std::string sec_fetch_site;  // how that page is related to this address (W3C Fetch Metadata)
  std::string cookie;
  std::string preflight_method;  // Access-Control-Request-Method
  std::string last_event_id;     // where a stream of events continues
  std::string host;              // as the browser has it: name, and the port if it has one
  bool https{false};             // between the browser and the reverse proxy
  // The reverse proxy has just looked this address up in the cache and found nothing
  // (`X-Cache-Lookup: miss`): another look-up would most likely miss as well. A hint only.
  bool cache_missed{false};
  // As well, because it found a malformed entry, and deleted it (`X-Cache-Lookup: malformed`).
  bool cache_malformed{false};
  // When the reverse proxy sent the request, by its clock, in seconds since 1970 (`X-Edge-Time`).
  // For a metric only.
  std::optional<double> edge_time;
  std::chrono::steady_clock::time_point arrived;
};

struct Header {
  std::string name;
  std::string value;
};

struct Response {
  int status{200};
  std::vector<Header> headers;  // without Content-Length, Connection and Date
  std::string body;
  /// When the same request will have another response although nothing is written; nothing: never.
  /// For the cache; it is not sent.
  std::optional<Instant> changes_at{};
};

/// Returns: the reason phrase of RFC 9110 for a status that the service uses.
std::string_view reason_of(int status);

/// Returns: the bytes of an HTTP/1.1 response. With `head_only` without the body, but with its
/// Content-Length. 204 and 304 have no Content-Length.
std::string serialise(const Response& response, bool keep_alive, bool head_only = false);

/// How the end of a body of unknown length is found.
enum class StreamFraming {
  chunked,
  closed,  // with the connection: HTTP/1.0 has no chunks
};

/// Returns: the head of a response whose body follows piece by piece. Requires: no body.
std::string serialise_head(const Response& response, StreamFraming framing, bool keep_alive);

/// Returns: a piece of such a body. Requires: it is not empty, which would be the end.
std::string serialise_piece(std::string_view piece, StreamFraming framing);

/// Returns: the bytes after the last piece.
std::string_view end_of_body(StreamFraming framing);

}  // namespace codasync::api
