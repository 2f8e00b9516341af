#include "storage/postgres/stock_tables.hpp"

#include <algorithm>
#include <cassert>

#include "storage/postgres/arrays.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/postgres/record_array.hpp"

namespace codasync::storage::postgres {
namespace {

// ---- from SQL

using Column = pqxx::row::size_type;

std::string_view about(const pqxx::row& row, Column column) {
  return {row[column].c_str(), row[column].size()};
}

/// The positions of the columns of begin_write(), looked up once per result.
struct ReadingColumns {
  explicit ReadingColumns(const pqxx::result& read)
      : about{read.column_number("about")},
        id{read.column_number("id")},
        shop_id{read.column_number("shop_id")},
        gtin{read.column_number("gtin")},
        version{read.column_number("version")},
        observed_at{read.column_number("observed_at")},
        updated_at{read.column_number("updated_at")},
        received_at{read.column_number("received_at")},
        newest_at{read.column_number("newest_at")},
        sealed_until{read.column_number("sealed_until")},
        tail{read.column_number("tail")},
        looked_at{read.column_number("looked_at")},
        dates_since{read.column_number("dates_since")},
        quantity_since{read.column_number("quantity_since")},
        quantity{read.column_number("quantity")},
        plain{read.column_number("plain")},
        lowest{read.column_number("lowest")},
        expiry_date{read.column_number("expiry_date")},
        date_kind{read.column_number("date_kind")},
        present{read.column_number("present")},
        shop_exists{read.column_number("shop_exists")},
        product_name{read.column_number("product_name")},
        product_version{read.column_number("product_version")},
        today{read.column_number("today")},
        row_ctid{read.column_number("row_ctid")} {}

  Column about, id, shop_id, gtin, version, observed_at, updated_at, received_at, newest_at,
      sealed_until, tail, looked_at, dates_since, quantity_since, quantity, plain, lowest,
      expiry_date, date_kind, present, shop_exists, product_name, product_version, today, row_ctid;
};

Instant since(const pqxx::field& micros) { return optional_instant(micros).value_or(kBeginning); }

void load_reading(const pqxx::row& found, const ReadingColumns& at, StockRow& row) {
  row.id = ReadingId{found[at.id].as<std::int64_t>()};
  row.row_ctid = found[at.row_ctid].as<std::string>();
  row.exists = true;
  row.version = found[at.version].as<std::int64_t>();
  row.observed_at = instant_of(found[at.observed_at]);
  row.updated_at = instant_of(found[at.updated_at]);
  row.received_at = instant_of(found[at.received_at]);
  row.fold = {.shelf = {.present = found[at.present].as<bool>(),
                        .date = shelf_date_of(found[at.expiry_date], found[at.date_kind]),
                        .dates_since = since(found[at.dates_since]),
                        .looked_at = optional_instant(found[at.looked_at]),
                        .stock = {.since = since(found[at.quantity_since]),
                                  .quantity = optional_number(found[at.quantity]),
                                  .plain = optional_number(found[at.plain]).value_or(0),
                                  .lowest = optional_number(found[at.lowest]).value_or(0)}},
              .newest_at = optional_instant(found[at.newest_at]),
              .sealed_until = optional_instant(found[at.sealed_until]),
              .tail = found[at.tail].as<std::int64_t>()};
}

void load_place(const pqxx::row& found, const ReadingColumns& at, StockRow& row) {
  row.shop_exists = found[at.shop_exists].as<bool>();
  if (!found[at.product_name].is_null()) {
    row.product = ProductName{found[at.product_name].as<std::string>(),
                              found[at.product_version].as<std::int64_t>()};
  }
  if (!found[at.today].is_null())
    row.today = std::chrono::sys_days{std::chrono::days{found[at.today].as<int>()}};
}

/// The positions of the columns of ledger_events(), looked up once per result.
struct EventColumns {
  explicit EventColumns(const pqxx::result& read)
      : id{read.column_number("id")},
        kind{read.column_number("kind")},
        expiry_date{read.column_number("expiry_date")},
        date_kind{read.column_number("date_kind")},
        quantity{read.column_number("quantity")},
        delta{read.column_number("delta")},
        voids{read.column_number("voids")},
        observed_at{read.column_number("observed_at")},
        voided{read.column_number("voided")} {}

  [[nodiscard]] LedgerEvent event_of(const pqxx::row& row) const {
    return {
        .event = {.id = *Uuid::parse(row[id].c_str()),
                  .kind = event_kind_of(row[kind]),
                  .date = shelf_date_of(row[expiry_date], row[date_kind]),
                  .quantity = optional_number(row[quantity]),
                  .delta = row[delta].as<std::int64_t>(),
                  .voids = row[voids].is_null() ? std::nullopt : Uuid::parse(row[voids].c_str()),
                  .observed_at = instant_of(row[observed_at])},
        .voided = row[voided].as<bool>()};
  }

  Column id, kind, expiry_date, date_kind, quantity, delta, voids, observed_at, voided;
};

const std::string kSegmentColumns =
    "micros_of(s.until) as until, s.events, s.is_base, s.present,"
    " micros_of(s.dates_since) as dates_since, s.expiry_date - date '1970-01-01' as expiry_date,"
    " s.date_kind, micros_of(s.looked_at) as looked_at,"
    " micros_of(s.quantity_since) as quantity_since, s.quantity, s.plain, s.lowest";

/// The same for kSegmentColumns.
struct SegmentColumns {
  explicit SegmentColumns(const pqxx::result& read)
      : until{read.column_number("until")},
        events{read.column_number("events")},
        is_base{read.column_number("is_base")},
        present{read.column_number("present")},
        dates_since{read.column_number("dates_since")},
        expiry_date{read.column_number("expiry_date")},
        date_kind{read.column_number("date_kind")},
        looked_at{read.column_number("looked_at")},
        quantity_since{read.column_number("quantity_since")},
        quantity{read.column_number("quantity")},
        plain{read.column_number("plain")},
        lowest{read.column_number("lowest")} {}

  [[nodiscard]] Segment segment_of(const pqxx::row& row) const {
    return {.until = instant_of(row[until]),
            .events = row[events].as<std::int64_t>(),
            .summary = {.present = row[present].is_null() ? std::nullopt
                                                          : std::optional{row[present].as<bool>()},
                        .dates_since = optional_instant(row[dates_since]),
                        .date = shelf_date_of(row[expiry_date], row[date_kind]),
                        .looked_at = optional_instant(row[looked_at]),
                        .quantity = quantity_of(row)},
            .is_base = row[is_base].as<bool>()};
  }

 private:
  [[nodiscard]] QuantityEffect quantity_of(const pqxx::row& row) const {
    const auto sum = row[plain].as<std::int64_t>();
    const auto bound = row[lowest].as<std::int64_t>();
    if (row[quantity_since].is_null()) return QuantityAdjustment{sum, bound};
    return QuantityStatement{instant_of(row[quantity_since]), optional_number(row[quantity]), sum,
                             bound};
  }

  Column until, events, is_base, present, dates_since, expiry_date, date_kind, looked_at,
      quantity_since, quantity, plain, lowest;
};

/// Returns: a timestamp literal; the minimum and the maximum become PostgreSQL's infinities.
std::string moment(Instant at) {
  if (at == kBeginning) return "-infinity";
  return at == Instant::max() ? "infinity" : to_string(at);
}

// ---- to SQL

std::optional<Date> date_of(const std::optional<ShelfDate>& date) {
  return date ? std::optional{date->date} : std::nullopt;
}

std::optional<char> kind_of(const std::optional<ShelfDate>& date) {
  return date && date->kind ? std::optional{code_of(*date->kind)} : std::nullopt;
}

/// SQL type: reading_row.
void add(RecordArray& rows, const StockRow& row) {
  const auto& [shelf, newest_at, sealed_until, tail] = row.fold;
  const bool known = shelf.stock.quantity.has_value();
  rows.add(row.id.value(), row.shop.value(), row.gtin.number(), row.version, row.observed_at,
           row.updated_at, row.received_at, newest_at, sealed_until, tail, shelf.looked_at,
           shelf.dates_since, shelf.stock.since, shelf.stock.quantity,
           known ? std::optional{shelf.stock.plain} : std::nullopt,
           known ? std::optional{shelf.stock.lowest} : std::nullopt, date_of(shelf.date),
           kind_of(shelf.date), shelf.present, row.looks_different,
           row.exists ? std::optional{std::string_view{row.row_ctid}} : std::nullopt);
}

/// SQL type: event_row.
std::string array_of(const std::vector<LedgerLine>& lines) {
  RecordArray rows;
  for (const auto& line : lines) {
    const auto& event = line.event;
    rows.add(line.row->id.value(), event.observed_at, event.id, line.received_at,
             line.token.value(), line.version,
             event.kind == EventKind::adjust ? std::optional{event.delta} : std::nullopt,
             event.quantity, date_of(event.date), code_of(event.kind), kind_of(event.date),
             line.outcome == EventOutcome::applied ? 'a' : 'k', event.voids,
             std::string_view{line.actor}, line.reason, line.named);
  }
  return rows.done();
}

/// SQL type: segment_row.
std::string array_of(const std::vector<SegmentOfRow>& segments) {
  RecordArray rows;
  for (const SegmentOfRow& each : segments) {
    const Segment& segment = each.segment;
    const Summary& summary = segment.summary;
    const auto add = [&](std::optional<Instant> since, std::optional<std::int64_t> stated,
                         std::int64_t plain, std::int64_t lowest) {
      rows.add(each.row->id.value(), segment.until, segment.events, segment.is_base,
               summary.present, summary.dates_since, date_of(summary.date), kind_of(summary.date),
               summary.looked_at, since, stated, plain, lowest);
    };
    if (const auto* stated = std::get_if<QuantityStatement>(&summary.quantity)) {
      add(stated->since, stated->quantity, stated->plain, stated->lowest);
    } else {
      const auto& adjusted = std::get<QuantityAdjustment>(summary.quantity);
      add(std::nullopt, std::nullopt, adjusted.sum, adjusted.lowest);
    }
  }
  return rows.done();
}

/// SQL type: answer_row.
std::string array_of(const std::vector<ResponseRow>& responses) {
  RecordArray rows;
  for (const auto& each : responses)
    rows.add(each.name, std::span<const std::uint8_t>{each.fingerprint},
             std::string_view{each.response});
  return rows.done();
}

}  // namespace

StockKeys keys_of(const StockRows& rows) {
  return {
      postgres::array_of(rows, [](const auto& entry) { return std::to_string(entry.first.first); }),
      postgres::array_of(rows,
                         [](const auto& entry) { return std::to_string(entry.first.second); })};
}

void load(const pqxx::result& read, StockRows& rows) {
  const ReadingColumns at{read};
  for (const pqxx::row& found : read) {
    const bool is_reading = about(found, at.about) == "reading";
    if (!is_reading && about(found, at.about) != "place") continue;
    auto& row = rows.at({found[at.shop_id].as<std::int64_t>(), found[at.gtin].as<std::int64_t>()});
    if (is_reading) load_reading(found, at, row);
    load_place(found, at, row);
  }
}

const std::string kReadingRows =
    "select 'reading' as about, r.id, r.shop_id, r.gtin, r.version,"
    " micros_of(r.observed_at) as observed_at, micros_of(r.updated_at) as updated_at,"
    " micros_of(r.received_at) as received_at, micros_of(r.newest_at) as newest_at,"
    " micros_of(r.sealed_until) as sealed_until, r.tail, micros_of(r.looked_at) as looked_at,"
    " micros_of(r.dates_since) as dates_since, micros_of(r.quantity_since) as quantity_since,"
    " r.quantity, r.plain, r.lowest, r.expiry_date - date '1970-01-01' as expiry_date, r.date_kind,"
    " r.present, true as shop_exists, p.name as product_name, p.version as product_version,"
    " null::integer as today, r.ctid as row_ctid"
    " from stock_readings r join products p using (gtin) ";

std::vector<StockRow> rows_in(const pqxx::result& read) {
  const ReadingColumns at{read};
  std::vector<StockRow> rows;
  for (const pqxx::row& found : read) {
    StockRow row{.shop = ShopId{found[at.shop_id].as<std::int64_t>()},
                 .gtin = Gtin::from_number(found[at.gtin].as<std::int64_t>())};
    load_reading(found, at, row);
    load_place(found, at, row);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<ResponseRow> responses_in(const pqxx::result& read) {
  std::vector<ResponseRow> responses;
  const auto kind = read.column_number("about");
  for (const pqxx::row& found : read) {
    if (about(found, kind) != "answer") continue;
    responses.push_back({*Uuid::parse(found["name"].c_str()), fingerprint_of(found["fingerprint"]),
                         found["answer"].as<std::string>()});
  }
  return responses;
}

std::map<Uuid, KnownOperation> operations_in(const pqxx::result& read) {
  std::map<Uuid, KnownOperation> operations;
  const auto kind = read.column_number("about");
  for (const pqxx::row& found : read) {
    if (about(found, kind) != "operation") continue;
    const auto name = *Uuid::parse(found["name"].c_str());
    KnownOperation known{ReadingId{found["id"].as<std::int64_t>()}, std::nullopt,
                         found["voided"].as<bool>()};
    if (!found["kind"].is_null()) {
      known.event = Event{
          .id = name,
          .kind = event_kind_of(found["kind"]),
          .date = shelf_date_of(found["expiry_date"], found["date_kind"]),
          .quantity = optional_number(found["quantity"]),
          .delta = optional_number(found["delta"]).value_or(0),
          .voids = found["voids"].is_null() ? std::nullopt : Uuid::parse(found["voids"].c_str()),
          .observed_at = instant_of(found["observed_at"])};
    }
    operations.emplace(name, known);
  }
  return operations;
}

std::set<std::pair<ReadingId, EventId>> voids_in(const pqxx::result& read) {
  std::set<std::pair<ReadingId, EventId>> voids;
  const auto kind = read.column_number("about");
  for (const pqxx::row& found : read) {
    if (about(found, kind) == "void")
      voids.emplace(ReadingId{found["id"].as<std::int64_t>()}, *Uuid::parse(found["name"].c_str()));
  }
  return voids;
}

std::vector<std::vector<LedgerEvent>> LedgerReader::events(const std::vector<EventRange>& ranges) {
  std::vector<std::vector<LedgerEvent>> found(ranges.size());
  const auto rows = connection_.exec_params(
      "select * from ledger_events($1, $2, $3)",
      postgres::array_of(ranges,
                         [](const auto& range) { return std::to_string(range.reading.value()); }),
      postgres::array_of(ranges, [](const auto& range) { return moment(range.after); }),
      postgres::array_of(ranges, [](const auto& range) { return moment(range.until); }));
  const EventColumns columns{rows};
  const auto place = rows.column_number("place");
  for (const pqxx::row& row : rows)
    found.at(row[place].as<std::size_t>() - 1).push_back(columns.event_of(row));
  return found;
}

PlacedSegment LedgerReader::segment_at(ReadingId reading, Instant at) {
  static const std::string kStatement =
      "select " + kSegmentColumns +
      ", (select micros_of(max(b.until)) from stock_segments b where b.reading_id = s.reading_id"
      " and b.until < s.until) as after from stock_segments s where s.reading_id = $1"
      " and s.until >= $2::timestamptz order by s.until limit 1";
  const auto rows = connection_.exec_params(kStatement, reading.value(), moment(at));
  if (rows.empty())
    throw std::logic_error{"reading " + std::to_string(reading.value()) + " has no segment at " +
                           moment(at) + ": `codasync check --deep --repair` restores it"};
  return {SegmentColumns{rows}.segment_of(rows[0]), since(rows[0]["after"])};
}

std::vector<Segment> LedgerReader::segments_before(ReadingId reading, Instant before,
                                                   std::size_t count) {
  static const std::string kStatement =
      "select " + kSegmentColumns +
      " from stock_segments s where s.reading_id = $1 and s.until < $2::timestamptz"
      " order by s.until desc limit $3";
  const auto rows = connection_.exec_params(kStatement, reading.value(), moment(before), count);
  const SegmentColumns columns{rows};
  std::vector<Segment> segments;
  for (const pqxx::row& row : rows) segments.push_back(columns.segment_of(row));
  return segments;
}

std::optional<ArrivedEvent> LedgerReader::find(ReadingId reading, EventId id) {
  // An id of version 7 contains its observed_at; other ids are names.
  auto at = id.time();
  if (!at) {
    const auto named = connection_.exec_params(
        "select micros_of(observed_at) from stock_operations where name = $1::uuid", to_string(id));
    if (named.empty()) return std::nullopt;
    at = instant_of(named[0][0]);
  }
  const auto rows = connection_.exec_params(
      "select e.id, e.kind, e.expiry_date - date '1970-01-01' as expiry_date, e.date_kind,"
      " e.quantity, coalesce(e.delta, 0) as delta, e.voids, micros_of(e.observed_at) as "
      "observed_at,"
      " exists (select from stock_voids v where v.reading_id = e.reading_id and v.target = e.id) as"
      " voided, e.token_id, micros_of(e.received_at) as received_at from stock_events e where "
      "e.reading_id = $1 and e.observed_at = $2::timestamptz and"
      " e.id = $3::uuid",
      reading.value(), to_string(*at), to_string(id));
  if (rows.empty()) return std::nullopt;
  return ArrivedEvent{EventColumns{rows}.event_of(rows[0]),
                      TokenId{rows[0]["token_id"].as<std::int64_t>()},
                      instant_of(rows[0]["received_at"])};
}

std::map<std::int64_t, std::vector<Segment>> LedgerReader::segments(std::int64_t after,
                                                                    std::int64_t last) {
  static const std::string kStatement = "select s.reading_id, " + kSegmentColumns +
                                        " from stock_segments s where s.reading_id > $1 and"
                                        " s.reading_id <= $2 order by s.reading_id, s.until";
  const auto rows = connection_.exec_params(kStatement, after, last);
  const SegmentColumns columns{rows};
  const auto reading = rows.column_number("reading_id");
  std::map<std::int64_t, std::vector<Segment>> segments;
  for (const pqxx::row& row : rows)
    segments[row[reading].as<std::int64_t>()].push_back(columns.segment_of(row));
  return segments;
}

NextName next_name(WriteTransaction& transaction, Gtin gtin, const std::string& name) {
  const auto found = transaction.exec_params(
      "select version, removed_at is not null from products where gtin = $1", gtin.number());
  if (found.empty()) return {{name, 1}};
  return {{name, found[0][0].as<std::int64_t>() + 1}, found[0][1].as<bool>()};
}

void allocate_ids(WriteTransaction& transaction, StockRows& rows) {
  std::vector<StockRow*> fresh;
  for (auto& [key, row] : rows) {
    if (row.touched && !row.exists) fresh.push_back(&row);
  }
  if (fresh.empty()) return;
  const auto ids = transaction.exec_params(
      "select nextval('stock_readings_id_seq') from generate_series(1, $1::integer)", fresh.size());
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    fresh[i]->id = ReadingId{ids[static_cast<pqxx::result::size_type>(i)][0].as<std::int64_t>()};
  }
}

void write(WriteTransaction& transaction, const StockRows& rows, const BatchWrites& writes) {
  RecordArray updated;
  RecordArray inserted;
  for (const auto& [key, row] : rows) {
    if (row.touched) add(row.exists ? updated : inserted, row);
  }
  try {
    transaction.exec_params("select write_stock($1, $2, $3, $4, $5, $6, $7)", updated.done(),
                            inserted.done(), array_of(writes.events), array_of(writes.segments),
                            array_of(writes.dropped_segments), array_of(writes.responses),
                            writes.renamed);
  } catch (const UniqueViolation& violation) {
    const auto& name = violation.constraint();  // empty: the server's messages are not in English
    if (name.empty() || name == "stock_readings_shop_id_gtin_key" ||
        name == "stock_operations_pkey" || name == "idempotency_keys_pkey")
      throw Conflict{violation.what()};
    throw;
  }
}

}  // namespace codasync::storage::postgres
