#include "storage/import/event_file.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "storage/import/csv_reader.hpp"
#include "storage/import/dialect.hpp"
#include "storage/import/file_text.hpp"
#include "storage/import/record_rules.hpp"
#include "storage/model/number.hpp"
#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

using Fields = std::vector<std::string_view>;

constexpr std::array<std::string_view, 16> kColumns{
    "id",       "shop",    "GTIN",        "kind",        "expiry_date", "date_kind",
    "quantity", "delta",   "observed_at", "received_at", "actor",       "reason",
    "outcome",  "version", "voids",       "voided_by"};

/// The fields of one row, by the names of the columns.
class Row {
 public:
  Row(std::size_t line, const std::map<std::string_view, std::size_t>& positions,
      const Fields& fields)
      : line_{line}, positions_{positions}, fields_{fields} {}

  [[nodiscard]] std::string_view text(std::string_view column) const {
    const auto position = positions_.at(column);
    return position < fields_.size() ? fields_[position] : std::string_view{};
  }
  [[nodiscard]] bool has(std::string_view column) const { return !text(column).empty(); }

  /// Returns: the value; a placeholder, with refusal(), when `parse` has none.
  template <class Parse>
  auto required(std::string_view column, const Parse& parse) {
    auto value = parse(text(column));
    if (!value) refuse(column);
    return value;
  }
  template <class Parse>
  auto optional(std::string_view column, const Parse& parse) -> decltype(parse({})) {
    if (!has(column)) return std::nullopt;
    return required(column, parse);
  }

  void refuse(std::string_view column, std::string reason = "This is not a value of an export.") {
    if (!refusal_) refusal_ = RowRefusal{line_, std::string{column}, std::move(reason)};
  }
  [[nodiscard]] const std::optional<RowRefusal>& refusal() const noexcept { return refusal_; }

 private:
  const std::size_t line_;
  const std::map<std::string_view, std::size_t>& positions_;
  const Fields& fields_;
  std::optional<RowRefusal> refusal_;
};

/// An export adds an apostrophe to a text that a spreadsheet would run.
std::string unprotected_text(std::string_view cell) {
  const auto first = std::min(cell.find_first_not_of('\''), cell.size());
  const bool is_protected =
      first > 0 && first < cell.size() &&
      std::string_view{"=+-@\t\r\n"}.find(cell[first]) != std::string_view::npos;
  return std::string{is_protected ? cell.substr(1) : cell};
}

std::optional<Gtin> gtin_of(std::string_view text) {
  const auto gtin = Gtin::parse(text);
  return gtin ? std::optional{*gtin} : std::nullopt;
}

std::optional<EventOutcome> outcome_of(std::string_view text) {
  for (const auto outcome : {EventOutcome::applied, EventOutcome::kept}) {
    if (text == name_of(outcome)) return outcome;
  }
  return std::nullopt;
}

/// Refuses what an event of this kind cannot have.
void check_kind(EventKind kind, Row& row) {
  const bool dates = kind == EventKind::sighting || kind == EventKind::check;
  const bool counts = dates || kind == EventKind::count;
  const auto none = [&](std::string_view column) {
    if (row.has(column)) row.refuse(column, "An event of this kind has no such value.");
  };
  if (!dates) none("expiry_date");
  if (!row.has("expiry_date")) none("date_kind");
  if (!counts) none("quantity");
  if (kind == EventKind::count && !row.has("quantity")) row.refuse("quantity");
  if (kind != EventKind::adjust) none("delta");
  if (kind == EventKind::adjust && !row.has("delta")) row.refuse("delta");
  if (kind != EventKind::void_event) none("voids");
  if (kind == EventKind::void_event && !row.has("voids")) row.refuse("voids");
  if (kind == EventKind::void_event) none("voided_by");
}

HistoryEntry entry_of(Row& row) {
  const auto quantity = [](std::string_view text) -> std::optional<std::int64_t> {
    const auto number = parse_whole_number(text);
    return number && *number >= 0 && *number <= kQuantityMax ? number : std::nullopt;
  };
  const auto delta = [](std::string_view text) -> std::optional<std::int64_t> {
    const auto number = parse_whole_number(text);
    return number && std::abs(*number) <= kQuantityMax ? number : std::nullopt;
  };
  const auto uuid = [](std::string_view text) { return Uuid::parse(text); };
  const auto kind = row.required("kind", parse_event_kind);
  if (kind) check_kind(*kind, row);
  const auto date = row.optional("expiry_date", parse_date);
  const auto date_kind = row.optional("date_kind", parse_date_kind);
  const auto observed_at = row.required("observed_at", parse_instant);
  const auto received_at = row.required("received_at", parse_instant);
  // 0: of an event that arrived before anything was recorded.
  const auto version = row.required("version", [](std::string_view text) {
    return text == "0" ? std::optional<std::int64_t>{0} : parse_positive(text);
  });
  const auto id = row.required("id", uuid);
  const auto outcome = row.required("outcome", outcome_of);
  if (!row.has("actor")) row.refuse("actor");
  if (observed_at && received_at && *observed_at > *received_at)
    row.refuse("observed_at", "The event was observed after it arrived.");
  return {.event = {.id = id.value_or(Uuid{}),
                    .kind = kind.value_or(EventKind::sighting),
                    .date = date ? std::optional{ShelfDate{*date, date_kind}} : std::nullopt,
                    .quantity = row.optional("quantity", quantity),
                    .delta = row.optional("delta", delta).value_or(0),
                    .voids = row.optional("voids", uuid),
                    .observed_at = observed_at.value_or(Instant{})},
          .reading = ReadingId{0},
          .received_at = received_at.value_or(Instant{}),
          .token = TokenId{0},
          .actor = unprotected_text(row.text("actor")),
          .reason = row.has("reason") ? std::optional{unprotected_text(row.text("reason"))}
                                      : std::nullopt,
          .outcome = outcome.value_or(EventOutcome::kept),
          .version = version.value_or(1),
          .voided_by = row.optional("voided_by", uuid)};
}

/// Returns: why the events of a reading cannot be those of a ledger; nullopt: they can.
std::optional<std::string> contradiction(const std::vector<HistoryEntry>& events) {
  std::map<EventId, const HistoryEntry*> known;
  const HistoryEntry* before = nullptr;
  for (const auto& entry : events) {
    const auto place = std::pair{entry.event.observed_at, entry.event.id};
    if (before != nullptr && place <= std::pair{before->event.observed_at, before->event.id})
      return "The rows of this reading are not in the order of an export.";
    before = &entry;
    if (!known.emplace(entry.event.id, &entry).second) return "An event has an id twice.";
  }
  for (const auto& entry : events) {
    const auto target = entry.event.voids ? known.find(*entry.event.voids) : known.end();
    if (target != known.end() && target->second->event.kind != EventKind::void_event &&
        !target->second->voided_by)
      return "An event is voided by another one and does not say so.";
    if (!entry.voided_by) continue;
    const auto by = known.find(*entry.voided_by);
    if (by == known.end() || by->second->event.voids != entry.event.id)
      return "An event says that it is voided, and the void is not in the file.";
  }
  return std::nullopt;
}

class EventReader {
 public:
  explicit EventReader(const EventSink& sink) : sink_{sink} {}

  Outcome<ImportCounts, FileRefusal> read(FileText& text) {
    const auto head = text.head();
    CsvReader reader{[&text] { return text.next(); }, ','};
    const auto* header = reader.next();
    if (header == nullptr || head.empty()) return FileRefusal{"The file is empty."};
    const OwnRecord own{*header};
    const auto names = own.fields();
    for (std::size_t i = 0; i < names.size(); ++i) positions_.emplace(names[i], i);
    for (const auto column : kColumns) {
      if (!positions_.contains(column))
        return FileRefusal{"This is no export of events: it has no column \"" +
                           std::string{column} + "\"."};
    }
    if (names.size() != kColumns.size())
      return FileRefusal{"An export of events has " + std::to_string(kColumns.size()) +
                         " columns, and this file others too."};
    while (const auto* record = reader.next()) {
      if (!is_blank(*record)) take(*record);
    }
    deliver();
    if (counts_.rows() == 0) return FileRefusal{"The file has the names of columns and no rows."};
    return counts_;
  }

 private:
  void take(const CsvRecord& record) {
    Row row{record.line, positions_, record.fields};
    if (record.refusal) row.refuse("", std::string{explain(*record.refusal)});
    if (record.fields.size() != kColumns.size())
      row.refuse("", "The row does not have as many fields as the file has columns.");
    const auto shop = row.required("shop", parse_positive);
    const auto gtin = row.required("GTIN", gtin_of);
    auto entry = entry_of(row);
    if (shop && gtin && (!current_ || current_->shop != ShopId{*shop} || current_->gtin != *gtin)) {
      deliver();
      current_ = EventsOfReading{record.line, ShopId{*shop}, *gtin};
    }
    if (row.refusal()) {
      refuse(*row.refusal());
      spoilt_ = spoilt_ || current_.has_value();
      return;
    }
    lines_.push_back(record.line);
    current_->events.push_back(std::move(entry));
    if (current_->events.size() > kEventsOfReadingMax)
      refuse_all("The reading has too many events.");
  }

  void refuse(const RowRefusal& refusal) {
    ++counts_.refused;
    sink_.refused(refusal);
  }

  /// Refuses the events of the reading that were read so far, and those that follow.
  void refuse_all(const std::string& reason) {
    for (const auto line : lines_) refuse({line, "", reason});
    lines_.clear();
    current_->events.clear();
    spoilt_ = true;
  }

  /// Ends a reading.
  void deliver() {
    if (current_ && !current_->events.empty()) {
      const auto wrong = spoilt_
                             ? std::optional<std::string>{"Another row of this reading is refused."}
                             : contradiction(current_->events);
      if (wrong) {
        refuse_all(*wrong);
      } else {
        counts_.accepted += current_->events.size();
        sink_.reading(std::move(*current_));
      }
    }
    current_.reset();
    lines_.clear();
    spoilt_ = false;
  }

  const EventSink& sink_;
  std::map<std::string_view, std::size_t> positions_;
  std::optional<EventsOfReading> current_;
  std::vector<std::size_t> lines_;  // of its events
  bool spoilt_{false};              // a row of it was refused
  ImportCounts counts_;
};

}  // namespace

Outcome<ImportCounts, FileRefusal> read_events(ByteSource& bytes, const EventSink& sink) {
  try {
    PeekedSource peeked{bytes};
    const std::string_view front{peeked.front().data(), peeked.front().size()};
    EventReader reader{sink};
    if (front.starts_with("\x1F\x8B")) {
      GzipSource unpacked{peeked};
      FileText text{unpacked, {}};
      return reader.read(text);
    }
    if (auto reason = explain_other_format(front); !reason.empty()) return FileRefusal{reason};
    FileText text{peeked, {}};
    return reader.read(text);
  } catch (const ReadFailed& failure) {
    return FileRefusal{failure.what()};
  }
}

}  // namespace codasync::storage
