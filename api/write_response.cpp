#include "api/write_response.hpp"

#include <charconv>

namespace codasync::api {
namespace {

/// Removes the first line from `text`. Returns: the line without its end.
std::string take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  std::string line{text.substr(0, end)};
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

std::string serialise(const WriteResponse& response) {
  if (response.status == 204) return {};
  return std::to_string(response.status) + "\n" + response.etag + "\n" + response.location + "\n" +
         response.body;
}

WriteResponse parse_write_response(const std::string& text) {
  if (text.empty()) return {.status = 204};
  std::string_view rest{text};
  WriteResponse response;
  const auto status = take_line(rest);
  std::from_chars(status.data(), status.data() + status.size(), response.status);
  response.etag = take_line(rest);
  response.location = take_line(rest);
  response.body = rest;
  return response;
}

Response to_response(const WriteResponse& response) {
  Response http{response.status, {}, response.body};
  if (!response.body.empty()) http.headers.push_back({"Content-Type", "application/json"});
  if (!response.etag.empty()) http.headers.push_back({"ETag", "\"" + response.etag + "\""});
  if (!response.location.empty()) http.headers.push_back({"Location", response.location});
  http.headers.push_back({"Cache-Control", "no-store"});
  return http;
}

Response to_response(const storage::StoredResponse& kept) {
  auto response = to_response(parse_write_response(kept.text));
  if (kept.replayed) response.headers.push_back({"Idempotency-Replayed", "true"});
  return response;
}

}  // namespace codasync::api
