// Headers If-Match and If-None-Match.

#include "api/etag.hpp"
#include "tests/fuzz/targets/check.hpp"

using namespace codasync;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto tags = api::parse_entity_tags(fuzz::text_of(data, size));
  if (!tags) return 0;
  check(tags->any || !tags->tags.empty(), "a header has a tag");
  std::string again;
  for (const auto& tag : tags->tags) {
    check(tag.find('"') == std::string::npos, "a tag has no quotes");
    check(tags->contains(tag), "a list contains its tags");
    again += (again.empty() ? "\"" : ", W/\"") + tag + '"';
  }
  if (!tags->any) {
    const auto read = api::parse_entity_tags(again);
    check(read && read->tags == tags->tags, "tags are read as they were written");
    check(!api::versions_of(*tags).empty(), "a list of tags accepts versions, or 0");
    check(!api::reading_precondition(*tags).any_of.empty(), "and so does that of a reading");
  }
  return 0;
}
