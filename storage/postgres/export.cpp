#include "storage/export.hpp"

#include <algorithm>
#include <array>

#include "storage/postgres/columns.hpp"
#include "storage/postgres/pool.hpp"
#include "storage/postgres/query.hpp"
#include "storage/postgres/transaction.hpp"

namespace codasync::storage {
namespace {

using postgres::Connection;
using postgres::Pool;
using postgres::Query;
using postgres::Transaction;
using Type = ExportColumn::Type;
using Take = std::function<void(const ExportRecord&)>;

constexpr std::array kProductColumns{
    ExportColumn{"GTIN", Type::plain}, ExportColumn{"name", Type::text},
    ExportColumn{"brand", Type::text}, ExportColumn{"category", Type::text}};

constexpr std::array kReadingColumns{
    ExportColumn{"shop", Type::number},     ExportColumn{"GTIN", Type::plain},
    ExportColumn{"name", Type::text},       ExportColumn{"expiry_date", Type::plain},
    ExportColumn{"date_kind", Type::plain}, ExportColumn{"quantity", Type::number},
    ExportColumn{"kind", Type::plain},      ExportColumn{"observed_at", Type::plain}};

constexpr std::array kEventColumns{
    ExportColumn{"id", Type::plain},          ExportColumn{"shop", Type::number},
    ExportColumn{"GTIN", Type::plain},        ExportColumn{"kind", Type::plain},
    ExportColumn{"expiry_date", Type::plain}, ExportColumn{"date_kind", Type::plain},
    ExportColumn{"quantity", Type::number},   ExportColumn{"delta", Type::number},
    ExportColumn{"observed_at", Type::plain}, ExportColumn{"received_at", Type::plain},
    ExportColumn{"actor", Type::text},        ExportColumn{"reason", Type::text},
    ExportColumn{"outcome", Type::plain},     ExportColumn{"version", Type::number},
    ExportColumn{"voids", Type::plain},       ExportColumn{"voided_by", Type::plain}};

/// Writes the values of a record from left to right; the strings are used again for the next one.
class Values {
 public:
  explicit Values(ExportRecord& record) : record_{record} {}

  Values& add(std::string value) {
    record_.at(next_++) = std::move(value);
    return *this;
  }
  Values& add(std::string_view value) { return add(std::string{value}); }
  Values& add(std::int64_t value) { return add(std::to_string(value)); }
  Values& add(Gtin gtin) { return add(gtin.canonical()); }
  Values& add(Instant instant) { return add(to_string(instant)); }
  Values& add(const Uuid& id) { return add(to_string(id)); }
  template <class Value>
  Values& add(const std::optional<Value>& value) {
    if (value) return add(*value);
    record_.at(next_++).reset();
    return *this;
  }
  Values& add(const pqxx::field& text) {
    if (text.is_null()) return add(std::optional<std::string>{});
    return add(std::string_view{text.c_str(), text.size()});
  }
  Values& add(const std::optional<ShelfDate>& date) {
    add(date ? std::optional{to_string(date->date)} : std::nullopt);
    return add(date && date->kind ? std::optional{name_of(*date->kind)} : std::nullopt);
  }

 private:
  ExportRecord& record_;
  std::size_t next_{0};
};

/// Reads the pages of one kind. A page is one statement and begins after the last row of the page
/// before.
class Pages {
 public:
  explicit Pages(std::size_t columns) : record_(columns) {}
  virtual ~Pages() = default;

  /// Returns: false after the last page.
  virtual bool next(Connection& connection, const Take& take) = 0;

 protected:
  ExportRecord& record() noexcept { return record_; }

 private:
  ExportRecord record_;
};

class ProductPages final : public Pages {
 public:
  ProductPages() : Pages{kProductColumns.size()} {}

  bool next(Connection& connection, const Take& take) override {
    const auto page = connection.exec_params(
        "select gtin, name, brand, category from products where removed_at is null and gtin > $1"
        " order by gtin limit $2",
        after_, kExportPieceMax);
    for (const pqxx::row& row : page) {
      after_ = row[0].as<std::int64_t>();
      Values{record()}.add(Gtin::from_number(after_)).add(row[1]).add(row[2]).add(row[3]);
      take(record());
    }
    return !page.empty();
  }

 private:
  std::int64_t after_{0};
};

/// The position in the order of shops and GTINs.
struct Place {
  std::int64_t shop{0};
  std::int64_t gtin{0};
};

/// Returns: SQL for the rows of `stock_readings r` after this place, of these shops.
std::string after(const Place& place, const std::vector<ShopId>& shops, Query& query) {
  auto where = "(r.shop_id, r.gtin) > (" + query.parameter(place.shop) + ", " +
               query.parameter(place.gtin) + ")";
  if (!shops.empty()) where += " and r.shop_id = any(" + query.parameter(shops) + ")";
  return where;
}

std::string in_order(std::size_t limit) {
  return " order by r.shop_id, r.gtin limit " + std::to_string(limit);
}

std::optional<std::int64_t> shown_quantity(const pqxx::field& stored) {
  const auto quantity = postgres::optional_number(stored);
  return quantity ? std::optional{std::min(*quantity, kQuantityMax)} : std::nullopt;
}

/// Each reading as a sighting that gives the same reading when it is imported. It is observed with
/// the newest event. If that is an adjustment, a sighting of the same moment would count before it,
/// and the adjustment twice; so it is observed a microsecond later.
class ReadingPages final : public Pages {
 public:
  explicit ReadingPages(std::vector<ShopId> shops)
      : Pages{kReadingColumns.size()}, shops_{std::move(shops)} {}

  bool next(Connection& connection, const Take& take) override {
    Query query{"select r.shop_id, r.gtin, p.name, " + postgres::days("r.expiry_date") +
                ", r.date_kind, r.quantity, " +
                postgres::micros("coalesce(r.newest_at, r.observed_at)") +
                " + exists(select from stock_events e where e.reading_id = r.id"
                " and e.observed_at = r.newest_at and e.kind = 'a')::integer"
                " from stock_readings r join products p using (gtin) where r.present and "};
    query.add(after(last_, shops_, query)).add(in_order(kExportPieceMax));
    const auto page = query.run(connection);
    for (const pqxx::row& row : page) {
      last_ = {row[0].as<std::int64_t>(), row[1].as<std::int64_t>()};
      Values{record()}
          .add(last_.shop)
          .add(Gtin::from_number(last_.gtin))
          .add(row[2])
          .add(postgres::shelf_date_of(row[3], row[4]))
          .add(shown_quantity(row[5]))
          .add(name_of(EventKind::sighting))
          .add(postgres::instant_of(row[6]));
      take(record());
    }
    return !page.empty();
  }

 private:
  const std::vector<ShopId> shops_;
  Place last_;
};

/// The first events of some readings at a time, in one statement: their order is not that of an
/// index. The further events of a reading are read by itself.
class EventPages final : public Pages {
 public:
  explicit EventPages(std::vector<ShopId> shops)
      : Pages{kEventColumns.size()}, shops_{std::move(shops)} {}

  bool next(Connection& connection, const Take& take) override {
    for (;;) {
      if (long_one_) {
        if (read_on(connection, take)) return true;
      } else if (row_ < first_events_.size()) {
        write_first_events(take);
        return true;
      } else if (!read_first_events(connection)) {
        return false;
      }
    }
  }

 private:
  struct ReadingPlace {
    std::int64_t id;
    Place place;
  };
  /// A reading with more events than one of several gets.
  struct LongOne {
    ReadingPlace reading;
    std::string after_time;
    std::string after_id;
  };

  static constexpr std::size_t kReadingsAtATime = 250;
  static constexpr std::size_t kFirstEvents = 64;

  /// Returns: SQL that reads the first events of the reading `$1` after this place.
  static std::string events_after(const std::string& reading, const std::string& after) {
    return "(select * from stock_events e where e.reading_id = " + reading + after +
           " order by e.observed_at, e.id limit ";
  }
  static std::string columns() { return postgres::kEventColumns + " from "; }
  static std::string voids() {
    return " left join lateral (select v.id from stock_voids v where v.reading_id = e.reading_id"
           " and v.target = e.id limit 1) v on true order by ";
  }

  /// Returns: false when there are no more readings.
  bool read_first_events(Connection& connection) {
    Query query{"select r.id, r.shop_id, r.gtin from stock_readings r where "};
    query.add(after(last_, shops_, query)).add(in_order(kReadingsAtATime));
    readings_.clear();
    for (const pqxx::row& row : query.run(connection)) {
      last_ = {row[1].as<std::int64_t>(), row[2].as<std::int64_t>()};
      readings_.push_back({row[0].as<std::int64_t>(), last_});
    }
    static const std::string kStatement = "select r.position, " + columns() +
                                          "unnest($1::bigint[]) with ordinality r (id, position)" +
                                          " cross join lateral " + events_after("r.id", "") +
                                          std::to_string(kFirstEvents) + ") e" + voids() +
                                          "r.position, e.observed_at, e.id";
    row_ = 0;
    first_events_ = connection.exec_params(
        kStatement,
        postgres::array_of(readings_, [](const auto& each) { return std::to_string(each.id); }));
    return !readings_.empty();
  }

  void write_first_events(const Take& take) {
    for (std::size_t written = 0; row_ < first_events_.size() && written < kExportPieceMax;
         ++written) {
      const auto row = first_events_[static_cast<pqxx::result::size_type>(row_++)];
      const auto& reading = readings_.at(row[0].as<std::size_t>() - 1);
      const auto entry = postgres::event_of(row.slice(1, row.size()));
      write(entry, reading.place, take);
      events_of_one_ = reading.id == of_ ? events_of_one_ + 1 : 1;
      of_ = reading.id;
      if (events_of_one_ == kFirstEvents) {
        long_one_ = {reading, to_string(entry.event.observed_at), to_string(entry.event.id)};
        return;
      }
    }
  }

  /// Reads further events of one reading. Returns: false when it has no more.
  bool read_on(Connection& connection, const Take& take) {
    static const std::string kStatement =
        "select " + columns() +
        events_after("$1", " and (e.observed_at, e.id) > ($2::timestamptz, $3::uuid)") + "$4) e" +
        voids() + "e.observed_at, e.id";
    const auto page =
        connection.exec_params(kStatement, long_one_->reading.id, long_one_->after_time,
                               long_one_->after_id, kExportPieceMax);
    for (const pqxx::row& row : page) {
      const auto entry = postgres::event_of(row);
      write(entry, long_one_->reading.place, take);
      if (row.rownumber() + 1 == page.size()) {
        long_one_->after_time = to_string(entry.event.observed_at);
        long_one_->after_id = to_string(entry.event.id);
      }
    }
    if (page.size() < kExportPieceMax) long_one_.reset();
    return !page.empty();
  }

  void write(const HistoryEntry& entry, const Place& place, const Take& take) {
    const Event& event = entry.event;
    const bool adjusts = event.kind == EventKind::adjust;
    Values{record()}
        .add(event.id)
        .add(place.shop)
        .add(Gtin::from_number(place.gtin))
        .add(name_of(event.kind))
        .add(event.date)
        .add(event.quantity)
        .add(adjusts ? std::optional{event.delta} : std::nullopt)
        .add(event.observed_at)
        .add(entry.received_at)
        .add(entry.actor)
        .add(entry.reason)
        .add(name_of(entry.outcome))
        .add(entry.version)
        .add(event.voids)
        .add(entry.voided_by);
    take(record());
  }

  const std::vector<ShopId> shops_;
  Place last_;
  std::vector<ReadingPlace> readings_;
  pqxx::result first_events_;     // of readings_
  std::size_t row_{0};            // the next one of them
  std::int64_t of_{0};            // the reading of the last one
  std::size_t events_of_one_{0};  // and how many of its events were written
  std::optional<LongOne> long_one_;
};

std::unique_ptr<Pages> pages_of(ExportKind kind, const ExportFilter& filter) {
  switch (kind) {
    case ExportKind::products:
      return std::make_unique<ProductPages>();
    case ExportKind::stock_readings:
      return std::make_unique<ReadingPages>(filter.shops);
    case ExportKind::events:
      return std::make_unique<EventPages>(filter.shops);
  }
  __builtin_unreachable();
}

std::string opening(const Connection& connection) {
  const auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(kExportPauseMax);
  return "begin isolation level repeatable read read only;" + connection.limits() +
         "set local idle_in_transaction_session_timeout = " + std::to_string(pause.count()) +
         ";select pg_current_snapshot()";  // the snapshot is that of the first statement
}

class PostgresExport final : public Export {
 public:
  PostgresExport(Pool::Lease lease, std::unique_ptr<Pages> pages)
      : lease_{std::move(lease)},
        transaction_{*lease_, opening(*lease_)},
        pages_{std::move(pages)} {}

  bool next(const Take& take) override { return pages_->next(*lease_, take); }

 private:
  Pool::Lease lease_;
  Transaction transaction_;
  std::unique_ptr<Pages> pages_;
};

class PostgresExports final : public Exports {
 public:
  PostgresExports(const PostgresOptions& options, std::size_t exports_max, PoolObserver& observer)
      : pool_{PoolName::exports, options, exports_max, observer} {}

  std::unique_ptr<Export> begin(ExportKind kind, const ExportFilter& filter) override {
    auto connection = pool_.try_acquire();
    if (!connection) return nullptr;
    return std::make_unique<PostgresExport>(std::move(*connection), pages_of(kind, filter));
  }

 private:
  Pool pool_;
};

}  // namespace

std::string_view name_of(ExportKind kind) {
  switch (kind) {
    case ExportKind::products:
      return "products";
    case ExportKind::stock_readings:
      return "stock-readings";
    case ExportKind::events:
      return "events";
  }
  __builtin_unreachable();
}

std::span<const ExportColumn> columns_of(ExportKind kind) {
  switch (kind) {
    case ExportKind::products:
      return kProductColumns;
    case ExportKind::stock_readings:
      return kReadingColumns;
    case ExportKind::events:
      return kEventColumns;
  }
  __builtin_unreachable();
}

std::unique_ptr<Exports> make_exports(const PostgresOptions& options, std::size_t exports_max,
                                      PoolObserver& observer) {
  return std::make_unique<PostgresExports>(options, exports_max, observer);
}

}  // namespace codasync::storage
