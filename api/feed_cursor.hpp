#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "storage/change_feed.hpp"

namespace codasync::api {

/// Returns: the cursor as clients get it: base64url of a format number, the members, and a check
/// sum. The form can change with each version of the program.
std::string to_text(const storage::FeedCursor& cursor);

/// Returns: the cursor; nullopt when to_text() cannot have made this text.
std::optional<storage::FeedCursor> parse_feed_cursor(std::string_view text);

/// Returns: the epoch as clients get it: 16 hexadecimal digits.
std::string epoch_text(std::uint64_t epoch);

}  // namespace codasync::api
