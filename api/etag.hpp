#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/stock_ledger.hpp"

namespace codasync::api {

/// The entity tags of an If-Match or If-None-Match header, without quotes and without `W/`.
///
/// RFC 9110 requires strong comparison for If-Match. CodaSync accepts weak tags too: a tag is the
/// version of the resource, not of its bytes, and Nginx makes it weak when it compresses. Strong
/// comparison would refuse every client that uses gzip.
struct EntityTags {
  bool any{false};  // `*`
  std::vector<std::string> tags;

  [[nodiscard]] bool contains(std::string_view tag) const;
};

/// Returns: the tags, or nothing when the header is malformed or has none (RFC 9110, sections 8.8.3
/// and 5.6.1).
std::optional<EntityTags> parse_entity_tags(std::string_view header);

// Entity tags, without quotes: of a row with a version, of a reading (see reading_precondition()),
// and of a response that has no version.
std::string version_tag(std::int64_t version);
std::string reading_tag(const Reading& reading);
std::string body_tag(std::string_view body);  // 96 bits of SHA-256

/// Returns: the versions that If-Match accepts. A tag that is not a version matches nothing; a list
/// of only such tags accepts version 0, which no row has.
std::vector<std::int64_t> versions_of(const EntityTags& tags);

/// The same for a reading: its ETag, `"<version>-<product version>"`, followed by `-x` once it has
/// expired, or only the `version` of its JSON, which matches with any product version. That a
/// reading has expired meanwhile is no write, so both ETags of a version match.
storage::ReadingPrecondition reading_precondition(const EntityTags& tags);

}  // namespace codasync::api
