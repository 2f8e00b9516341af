#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/observability/activity.hpp"
#include "storage/change_feed.hpp"
#include "storage/model/catalogue.hpp"
#include "storage/model/reading.hpp"
#include "storage/reader.hpp"
#include "storage/sessions.hpp"
#include "storage/token.hpp"
#include "storage/work_list.hpp"

namespace codasync::api {

// The resources as JSON.
std::string to_json(const Shop& shop);
std::string to_json(const Product& product);
std::string to_json(const storage::ProductGroup& group);
std::string to_json(const Reading& reading);
std::string to_json(const Reading& reading, EventOutcome outcome);  // of a write
/// Returns: the JSON of a removed reading: its identity and `"removed": true`.
std::string tombstone_json(const Reading& reading, EventOutcome outcome);
/// Returns: the JSON of a reading in the change feed, with the version of its product; a removed
/// one is its identity, the versions and `"removed": true`.
std::string to_json(const storage::FeedReading& change);
/// An event of the history as the token of the request sees it.
struct ShownEvent {
  HistoryEntry entry;
  bool voidable;  // by this token, now
};
std::string to_json(const ShownEvent& shown);
std::string to_json(const storage::AuditEntry& entry);
std::string to_json(const storage::WorkItem& item);
std::string to_json(const storage::ShopThresholds& thresholds);
std::string to_json(const storage::ImportRecord& import);
std::string to_json(const storage::Token& token);
std::string to_json(const storage::Token& token, std::string_view secret);  // with its secret
std::string to_json(const storage::Session& session);
std::string to_json(const MinuteOfActivity& minute);
/// `days`: the number of days that are counted one by one.
std::string to_json(const storage::Overview& overview, std::int64_t days);

template <class Row>
std::string to_json(const std::vector<Row>& rows) {
  std::string out{"["};
  for (const auto& row : rows) {
    if (out.size() > 1) out.push_back(',');
    out += to_json(row);
  }
  out.push_back(']');
  return out;
}

/// `next`: the cursor as text.
std::string to_json(const storage::FeedPage& page, std::string_view next,
                    std::chrono::milliseconds behind);

// The results of a list of operations. `id`: as the client sent it; `problem`: a problem's JSON.
std::string accepted_json(const std::string& id, const EventId& event, EventOutcome outcome,
                          const storage::FeedReading& reading);
std::string rejected_json(const std::optional<std::string>& id, const std::string& problem);
/// `results`: an array of the above.
std::string batch_json(std::chrono::microseconds clock_offset, const std::string& results);
std::string sync_json(const storage::FeedPage& page, std::string_view next,
                      std::chrono::milliseconds behind, std::chrono::microseconds clock_offset,
                      const std::string& results);
/// Returns: the array of texts that are JSON already.
std::string array_json(const std::vector<std::string>& values);

}  // namespace codasync::api
