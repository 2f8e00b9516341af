#include "api/etag.hpp"

#include <algorithm>
#include <span>

#include "storage/model/encoding.hpp"
#include "storage/model/number.hpp"
#include "storage/sha256.hpp"

namespace codasync::api {
namespace {

// The end of a reading's ETag when it has expired: its content changes then without a write.
constexpr std::string_view kExpired = "-x";

void skip(std::string_view& text, std::string_view characters) {
  text.remove_prefix(std::min(text.find_first_not_of(characters), text.size()));
}
constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kSeparators = " \t,";  // also empty elements (RFC 9110, 5.6.1.2)

}  // namespace

bool EntityTags::contains(std::string_view tag) const {
  return any || std::find(tags.begin(), tags.end(), tag) != tags.end();
}

std::optional<EntityTags> parse_entity_tags(std::string_view header) {
  EntityTags found;
  skip(header, kBlanks);
  if (header.starts_with('*')) {
    header.remove_prefix(1);
    skip(header, kBlanks);
    if (!header.empty()) return std::nullopt;
    found.any = true;
    return found;
  }
  for (skip(header, kSeparators); !header.empty(); skip(header, kSeparators)) {
    if (header.starts_with("W/")) header.remove_prefix(2);
    if (!header.starts_with('"')) return std::nullopt;
    const auto end = header.find('"', 1);
    if (end == std::string_view::npos) return std::nullopt;
    found.tags.emplace_back(header.substr(1, end - 1));
    header.remove_prefix(end + 1);
    skip(header, kBlanks);
    if (!header.empty() && !header.starts_with(',')) return std::nullopt;
  }
  if (found.tags.empty()) return std::nullopt;
  return found;
}

std::string version_tag(std::int64_t version) { return std::to_string(version); }

std::string reading_tag(const Reading& reading) {
  return std::to_string(reading.version) + "-" + std::to_string(reading.product_version) +
         std::string{reading.expired ? kExpired : ""};
}

std::string body_tag(std::string_view body) {
  const auto digest = storage::sha256(body);
  return to_hex(std::span{digest}.first<12>());
}

std::vector<std::int64_t> versions_of(const EntityTags& tags) {
  if (tags.any) return {};
  std::vector<std::int64_t> versions;
  for (const auto& tag : tags.tags) {
    if (const auto version = parse_positive(tag)) versions.push_back(*version);
  }
  if (versions.empty()) versions.push_back(0);
  return versions;
}

storage::ReadingPrecondition reading_precondition(const EntityTags& tags) {
  storage::ReadingPrecondition precondition;
  if (tags.any) return precondition;
  for (std::string_view tag : tags.tags) {
    const bool expired = tag.ends_with(kExpired);
    if (expired) tag.remove_suffix(kExpired.size());
    const auto dash = tag.find('-');
    if (expired && dash == std::string_view::npos) continue;
    const auto reading = parse_positive(tag.substr(0, dash));
    std::optional<std::int64_t> product;
    if (dash != std::string_view::npos) {
      product = parse_positive(tag.substr(dash + 1));
      if (!product) continue;
    }
    if (reading) precondition.any_of.push_back({*reading, product});
  }
  if (precondition.any_of.empty()) precondition.any_of.push_back({0, 0});
  return precondition;
}

}  // namespace codasync::api
