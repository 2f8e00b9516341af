#include "cache/address.hpp"

#include <sys/un.h>

#include <charconv>

namespace codasync::cache {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

std::optional<Address> parse_unix(std::string_view path) {
  if (!path.starts_with('/') || path.size() >= sizeof(sockaddr_un::sun_path)) return std::nullopt;
  return Address{.path = std::string{path}, .host = {}};
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) return parse_unix(text.substr(kUnixPrefix.size()));
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;

  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;  // IPv6 without brackets: the start of the port is ambiguous
  }
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool whole = error == std::errc{} && end == digits.data() + digits.size();
  if (host.empty() || !whole || port == 0) return std::nullopt;
  return Address{.path = {}, .host = std::string{host}, .port = port};
}

}  // namespace codasync::cache
