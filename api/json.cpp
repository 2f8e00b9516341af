#include "api/json.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstddef>

#include "api/feed_cursor.hpp"
#include "api/json_object.hpp"

namespace codasync::api {
namespace {

using Object = JsonObject;

void describe(Object& object, const Reading& reading) {
  object.add("id", reading.id.value())
      .add("shop", reading.shop.value())
      .add("GTIN", reading.gtin.canonical())
      .add("name", reading.name)
      .add(reading.date)
      .add("quantity", reading.quantity)
      .add("available", reading.available())
      .add("expired", reading.expired)
      .add("version", reading.version)
      .add("observed_at", reading.observed_at)
      .add("checked_at", reading.checked_at)
      .add("counted_at", reading.counted_at)
      .add("updated_at", reading.updated_at);
}

std::string_view name_of(storage::WorkReason reason) {
  switch (reason) {
    case storage::WorkReason::miscounted:
      return "miscounted";
    case storage::WorkReason::expired:
      return "expired";
    case storage::WorkReason::due:
      return "due";
    case storage::WorkReason::never_checked:
      return "never_checked";
    case storage::WorkReason::stale:
      return "stale";
  }
  __builtin_unreachable();
}

void describe(Object& object, const storage::Token& token) {
  object.add("id", token.id.value())
      .add("name", token.name)
      .add("role", name_of(token.role))
      .add("shops", token.shops)
      .add("created_at", token.created_at)
      .add("expires_at", token.expires_at)
      .add("person", token.person)
      .add("last_used_at", token.last_used_at);
}

}  // namespace

std::string to_json(const Shop& shop) {
  Object object;
  object.add("id", shop.id.value())
      .add("name", shop.name)
      .add("time_zone", shop.time_zone)
      .add("version", shop.version)
      .add("updated_at", shop.updated_at);
  return object.done();
}

std::string to_json(const Product& product) {
  Object object;
  object.add("GTIN", product.gtin.canonical())
      .add("name", product.name)
      .add("brand", product.brand)
      .add("category", product.category)
      .add("restricted", product.gtin.restricted())
      .add("version", product.version)
      .add("updated_at", product.updated_at);
  return object.done();
}

std::string to_json(const storage::ProductGroup& group) {
  Object object;
  object.add("name", group.name).add("products", group.products);
  return object.done();
}

std::string to_json(const Reading& reading) {
  Object object;
  describe(object, reading);
  return object.done();
}

std::string to_json(const Reading& reading, EventOutcome outcome) {
  Object object;
  describe(object, reading);
  object.add("outcome", name_of(outcome));
  return object.done();
}

std::string tombstone_json(const Reading& reading, EventOutcome outcome) {
  Object object;
  object.add("id", reading.id.value())
      .add("shop", reading.shop.value())
      .add("GTIN", reading.gtin.canonical())
      .add("version", reading.version)
      .add("removed", true)
      .add("outcome", name_of(outcome));
  return object.done();
}

std::string to_json(const storage::FeedReading& change) {
  const auto& reading = change.reading;
  Object object;
  if (change.removed) {
    object.add("id", reading.id.value())
        .add("shop", reading.shop.value())
        .add("GTIN", reading.gtin.canonical())
        .add("version", reading.version);
  } else {
    describe(object, reading);
  }
  object.add("product_version", reading.product_version);
  if (change.removed) object.add("removed", true);
  return object.done();
}

namespace {

void describe(Object& object, const storage::FeedPage& page, std::string_view next,
              std::chrono::milliseconds behind) {
  object.add("epoch", epoch_text(page.epoch))
      .add_json("shop", to_json(page.shop))
      .add_json("changes", to_json(page.readings))
      .add("next", next)
      .add("more", page.more)
      .add("behind_ms", std::int64_t{behind.count()});
}

std::int64_t milliseconds_of(std::chrono::microseconds offset) {
  return std::chrono::round<std::chrono::milliseconds>(offset).count();
}

}  // namespace

std::string to_json(const storage::FeedPage& page, std::string_view next,
                    std::chrono::milliseconds behind) {
  Object object;
  describe(object, page, next, behind);
  return object.done();
}

std::string accepted_json(const std::string& id, const EventId& event, EventOutcome outcome,
                          const storage::FeedReading& reading) {
  Object object;
  object.add("id", id)
      .add("event", to_string(event))
      .add("outcome", name_of(outcome))
      .add_json("reading", to_json(reading));
  return object.done();
}

std::string rejected_json(const std::optional<std::string>& id, const std::string& problem) {
  Object object;
  object.add("id", id).add("outcome", std::string_view{"rejected"}).add_json("problem", problem);
  return object.done();
}

std::string batch_json(std::chrono::microseconds clock_offset, const std::string& results) {
  Object object;
  object.add("clock_offset_ms", milliseconds_of(clock_offset)).add_json("results", results);
  return object.done();
}

std::string sync_json(const storage::FeedPage& page, std::string_view next,
                      std::chrono::milliseconds behind, std::chrono::microseconds clock_offset,
                      const std::string& results) {
  Object object;
  object.add("clock_offset_ms", milliseconds_of(clock_offset)).add_json("results", results);
  describe(object, page, next, behind);
  return object.done();
}

std::string array_json(const std::vector<std::string>& values) {
  std::string out{"["};
  for (const auto& value : values) out += (out.size() > 1 ? "," : "") + value;
  return out + "]";
}

std::string to_json(const ShownEvent& shown) {
  const auto& entry = shown.entry;
  const auto& event = entry.event;
  Object object;
  object.add("id", to_string(event.id))
      .add("reading", entry.reading.value())
      .add("kind", name_of(event.kind))
      .add(event.date)
      .add("quantity", event.quantity)
      .add("delta", event.kind == EventKind::adjust ? std::optional{event.delta} : std::nullopt)
      .add("observed_at", event.observed_at)
      .add("received_at", entry.received_at)
      .add("actor", entry.actor)
      .add("reason", entry.reason)
      .add("outcome", name_of(entry.outcome))
      .add("version", entry.version)
      .add("voids", event.voids ? std::optional{to_string(*event.voids)} : std::nullopt)
      .add("voided_by", entry.voided_by ? std::optional{to_string(*entry.voided_by)} : std::nullopt)
      .add("voidable", shown.voidable);
  return object.done();
}

std::string to_json(const storage::AuditEntry& entry) {
  Object object;
  object.add("id", entry.id)
      .add("at", entry.at)
      .add("token", entry.token.value())
      .add("actor", entry.actor)
      .add("action", entry.action)
      .add("subject", entry.subject)
      .add("subject_id", entry.subject == "product"
                             ? Gtin::from_number(entry.subject_id).canonical()
                             : std::to_string(entry.subject_id))
      .add_json("before", entry.before.value_or("null"))
      .add_json("after", entry.after.value_or("null"));
  return object.done();
}

std::string to_json(const storage::WorkItem& item) {
  Object object;
  describe(object, item.reading);
  object.add("reason", name_of(item.reason));
  return object.done();
}

std::string to_json(const storage::ShopThresholds& thresholds) {
  Object categories;
  for (const auto& [name, own] : thresholds.categories) {
    Object category;
    category.add("days", own.days).add("stale_days", own.stale_days);
    categories.add_json(name, category.done());
  }
  Object object;
  object.add("days", thresholds.days)
      .add("stale_days", thresholds.stale_days)
      .add_json("categories", categories.done())
      .add("version", thresholds.version);
  return object.done();
}

std::string to_json(const storage::Token& token) {
  Object object;
  describe(object, token);
  return object.done();
}

namespace {

void describe(Object& object, const storage::OverviewCounts& counts) {
  object.add("readings", counts.readings)
      .add("units", counts.units)
      .add("expired", counts.expired)
      .add("due", counts.due)
      .add("not_checked", counts.not_checked)
      .add("checked_at", counts.checked_at);
}

}  // namespace

std::string to_json(const storage::Overview& overview, std::int64_t days) {
  const auto list = [](const auto& rows, const auto& describe_row) {
    std::string text{"["};
    for (const auto& row : rows) {
      Object object;
      describe_row(object, row);
      text.append(text.size() > 1 ? "," : "").append(object.done());
    }
    return text.append("]");
  };
  std::vector<std::pair<Date, std::int64_t>> by_day;
  for (std::int64_t day = 0; day < days; ++day) {
    const Date date = std::chrono::sys_days{overview.today} + std::chrono::days{day};
    const auto found = overview.by_day.find(date);
    by_day.emplace_back(date, found == overview.by_day.end() ? 0 : found->second);
  }
  Object object;
  object.add("today", overview.today);
  describe(object, overview.all);
  object.add_json("days", list(by_day, [](Object& day, const auto& count) {
                    day.add("date", count.first).add("readings", count.second);
                  }));
  object.add_json("shops", list(overview.shops, [](Object& row, const auto& of_shop) {
                    row.add("shop", of_shop.shop.value());
                    describe(row, of_shop.counts);
                  }));
  object.add_json("categories", list(overview.categories, [](Object& row, const auto& of_category) {
                    row.add("category", of_category.category);
                    describe(row, of_category.counts);
                  }));
  return object.done();
}

std::string to_json(const MinuteOfActivity& minute) {
  Object object;
  object.add("minute", minute.begins)
      .add("writes", minute.counts.writes)
      .add("look_ups", minute.counts.look_ups)
      .add("hits", minute.counts.hits);
  return object.done();
}

std::string to_json(const storage::Session& session) {
  const auto& token = session.token;
  Object object;
  object.add("token_id", token.id.value())
      .add("name", token.name)
      .add("person", token.person)
      .add("role", name_of(token.role))
      .add("shops", token.shops)
      .add("ends", session.ends_at);
  return object.done();
}

std::string to_json(const storage::ImportRecord& import) {
  const auto count = [](std::size_t rows) { return static_cast<std::int64_t>(rows); };
  Object object;
  object.add("id", to_string(import.id))
      .add("kind", import.kind)
      .add("token", import.token.value())
      .add("actor", import.actor)
      .add("started_at", import.started_at)
      .add("ended_at", import.ended_at)
      .add("outcome", import.outcome)
      .add("rows", count(import.tally.rows))
      .add("refused", count(import.tally.refused))
      .add("created", count(import.tally.created))
      .add("changed", count(import.tally.changed))
      .add("unchanged", count(import.tally.unchanged))
      .add("undone_at", import.undone_at);
  return object.done();
}

std::string to_json(const storage::Token& token, std::string_view secret) {
  Object object;
  describe(object, token);
  object.add("token", secret);
  return object.done();
}

}  // namespace codasync::api
