#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace codasync::cache {

// The content of the entry of a list (RFC 5234). nginx/response_cache reads it too.
//
//   list    = token SP address CRLF content
//   token   = 32HEXDIG      ; of the generation under which the content was read; in lower case
//   address = 1*VCHAR       ; of the list: its path, with its canonical query
//   content = *OCTET

/// Larger entries, with their seals, are not stored, so all places of a slot need at most 512 MiB.
inline constexpr std::size_t kListBytesMax = 64UL * 1024;

/// Returns: the content of the entry; nothing when the entry would be too large. Requires: a token
/// and an address of this form.
std::optional<std::string> make_list_entry(std::string_view token, std::string_view address,
                                           std::string_view content);

/// The parts of an entry, which has to outlive them.
struct ListEntry {
  std::string_view token;
  std::string_view address;
  std::string_view content;
};

/// Returns: nothing for bytes that are not such an entry.
std::optional<ListEntry> parse_list_entry(std::string_view bytes);

}  // namespace codasync::cache
