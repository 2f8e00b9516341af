#include "api/stored_answer.hpp"

#include <cassert>

namespace codasync::api {
namespace {

constexpr std::string_view kStatusLine = "HTTP/1.1 200 OK\r\n";

}  // namespace

std::string to_stored(const Response& response) {
  assert(response.status == 200);
  std::string bytes{kStatusLine};
  for (const auto& header : response.headers)
    bytes.append(header.name).append(": ").append(header.value).append("\r\n");
  return bytes.append("\r\n").append(response.body);
}

Response from_stored(std::string_view bytes) {
  assert(bytes.starts_with(kStatusLine));
  bytes.remove_prefix(kStatusLine.size());
  Response response;
  while (!bytes.starts_with("\r\n")) {
    const auto end = bytes.find("\r\n");
    const auto colon = bytes.find(": ");
    assert(colon < end && end != std::string_view::npos);
    response.headers.push_back({std::string{bytes.substr(0, colon)},
                                std::string{bytes.substr(colon + 2, end - colon - 2)}});
    bytes.remove_prefix(end + 2);
  }
  response.body = bytes.substr(2);
  return response;
}

}  // namespace codasync::api
