#include "cache/list_entry.hpp"

#include <algorithm>

#include "cache/entry_seal.hpp"
#include "cache/generation_token.hpp"

namespace codasync::cache {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

bool is_visible(char c) { return c > ' ' && c < '\x7f'; }

}  // namespace

std::optional<std::string> make_list_entry(std::string_view token, std::string_view address,
                                           std::string_view content) {
  const auto size = token.size() + 1 + address.size() + kLineEnd.size() + content.size();
  if (EntrySeal::kBytes + size > kListBytesMax) return std::nullopt;
  std::string bytes;
  bytes.reserve(size);
  return bytes.append(token).append(" ").append(address).append(kLineEnd).append(content);
}

std::optional<ListEntry> parse_list_entry(std::string_view bytes) {
  const auto end = bytes.find(kLineEnd);
  if (end == std::string_view::npos) return std::nullopt;
  const auto line = bytes.substr(0, end);
  const auto blank = line.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  const ListEntry entry{line.substr(0, blank), line.substr(blank + 1),
                        bytes.substr(end + kLineEnd.size())};
  const bool valid = is_generation_token(entry.token) && !entry.address.empty() &&
                     std::ranges::all_of(entry.address, is_visible);
  return valid ? std::optional{entry} : std::nullopt;
}

}  // namespace codasync::cache
