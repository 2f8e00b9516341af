#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace codasync::api {

enum class Method { get, head, post, put, patch, del, options, other };

std::string_view name_of(Method method);

/// One HTTP request as the service needs it: raw, not decoded, already known to be well-formed
/// HTTP.
struct Request {
  Method method{Method::get};
  std::string path;   // as sent, without the query: may hold percent escapes
  std::string query;  // as sent, without the question mark
  std::string body;
  // Headers that the service reads, without blanks at their ends. Others are dropped at the edge.
  // Where an empty one would mean something else than an absent one: nothing is absent.
  std::optional<std::string> if_match;
  std::optional<std::string> idempotency_key;
  // Empty: absent.
  std::string authorization;
  std::string if_none_match;
  std::string content_type;
  std::string request_id;
  std::string traceparent;
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
};

/// Returns: the reason phrase of RFC 9110 for a status we use.
std::string_view reason_of(int status);

/// Returns: the bytes of an HTTP/1.1 answer. With `head_only` the body stays away and its length is
/// told. Content-Length is left out for 204 and 304.
std::string serialise(const Response& response, bool keep_alive, bool head_only = false);

}  // namespace codasync::api
