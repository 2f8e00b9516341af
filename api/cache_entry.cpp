#include "api/cache_entry.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace codasync::api {
namespace {

constexpr std::string_view kStatusLine = "HTTP/1.1 200 OK\r\n";
constexpr std::string_view kLineEnd = "\r\n";

// The transport writes these headers.
constexpr std::array<std::string_view, 5> kFraming{"content-length", "transfer-encoding",
                                                   "connection", "date", "server"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_name_character(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

bool is_control_character(char c) { return (c >= '\0' && c < ' ') || c == '\x7f'; }

bool same_name(std::string_view name, std::string_view lower_case) {
  return std::equal(name.begin(), name.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return lower(a) == b; });
}

/// Returns: the header of a line, or nothing when an entry may not contain it.
std::optional<Header> field_of(std::string_view line) {
  const auto colon = line.find(": ");
  if (colon == std::string_view::npos) return std::nullopt;
  const auto name = line.substr(0, colon);
  const auto value = line.substr(colon + 2);
  if (name.empty() || value.empty() || !std::all_of(name.begin(), name.end(), is_name_character) ||
      std::any_of(value.begin(), value.end(), is_control_character))
    return std::nullopt;
  if (std::any_of(kFraming.begin(), kFraming.end(),
                  [&](std::string_view framing) { return same_name(name, framing); }))
    return std::nullopt;
  return Header{std::string{name}, std::string{value}};
}

}  // namespace

std::string to_cache_entry(const Response& response) {
  assert(response.status == 200);
  std::string bytes{kStatusLine};
  for (const auto& header : response.headers)
    bytes.append(header.name).append(": ").append(header.value).append(kLineEnd);
  return bytes.append(kLineEnd).append(response.body);
}

std::optional<Response> from_cache_entry(std::string_view bytes) {
  if (!bytes.starts_with(kStatusLine)) return std::nullopt;
  bytes.remove_prefix(kStatusLine.size());
  Response response;
  while (!bytes.starts_with(kLineEnd)) {
    const auto end = bytes.find(kLineEnd);
    if (end == std::string_view::npos) return std::nullopt;
    auto field = field_of(bytes.substr(0, end));
    if (!field) return std::nullopt;
    response.headers.push_back(std::move(*field));
    bytes.remove_prefix(end + kLineEnd.size());
  }
  bytes.remove_prefix(kLineEnd.size());
  if (bytes.empty()) return std::nullopt;
  response.body = bytes;
  return response;
}

}  // namespace codasync::api
