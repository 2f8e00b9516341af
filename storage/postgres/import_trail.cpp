#include "storage/import_trail.hpp"

#include <chrono>
#include <memory>

#include "storage/make_storage.hpp"
#include "storage/postgres/connection.hpp"

namespace codasync::storage {
namespace {

using postgres::Connection;

constexpr std::string_view kImport = ", import ";
constexpr std::string_view kUndo = ", undo of import ";
constexpr std::size_t kUuidCharacters = 36;

// A part of the tables that one statement reads.
constexpr std::int64_t kReadings = 2'000;
constexpr std::int64_t kEntries = 20'000;

// The id is of the clock of the importing process; writes with a difference of more than 30 s are
// refused (kClockDifferenceMax).
constexpr std::chrono::minutes kClockDifference{1};

std::optional<Uuid> id_after(std::string_view words, const std::string& actor) {
  if (actor.size() < words.size() + kUuidCharacters) return std::nullopt;
  const auto end = std::string_view{actor}.substr(actor.size() - words.size() - kUuidCharacters);
  if (!end.starts_with(words)) return std::nullopt;
  return Uuid::parse(end.substr(words.size()));
}

std::int64_t micros_before(const Uuid& import) {
  const auto start = import.time().value_or(Instant{}) - kClockDifference;
  return start.time_since_epoch().count();
}

class PostgresImportTrail final : public ImportTrail {
 public:
  explicit PostgresImportTrail(const PostgresOptions& options) : options_{options} {}

  void begin(const Uuid& import, ImportKind kind, const Token& actor) override {
    connected().exec_params(
        "insert into imports (id, kind, token_id, actor) values ($1, $2, $3, $4)",
        to_string(import), std::string{name_of(kind)}, actor.id.value(), actor.name);
  }

  void end(const Uuid& import, ImportOutcome outcome, const ImportTally& tally) override {
    connected().exec_params(
        "update imports set ended_at = clock_timestamp(), outcome = $2, rows = $3, refused = $4,"
        " created = $5, changed = $6, unchanged = $7 where id = $1",
        to_string(import), std::string{name_of(outcome)}, tally.rows, tally.refused, tally.created,
        tally.changed, tally.unchanged);
  }

  void undone(const Uuid& import) override {
    connected().exec_params("update imports set undone_at = clock_timestamp() where id = $1",
                            to_string(import));
  }

  EventPage events(const Uuid& import, EventCursor from) override {
    auto& connection = connected();
    EventPage page;
    const auto last = connection.exec("select coalesce(max(id), 0) from stock_readings");
    // `offset 0`: the events are found by the primary key of each reading, whatever the statistics
    // of the tables say.
    for (const pqxx::row& row : connection.exec_params(
             "select r.id, r.shop_id, r.gtin, e.id, e.voided"
             " from (select id, shop_id, gtin from stock_readings"
             "        where id > $1 and id <= $1 + $2 and received_at >= moment_of($3) offset 0) r"
             " cross join lateral (select e.id, exists (select from stock_voids v"
             "   where v.reading_id = e.reading_id and v.target = e.id) as voided"
             "  from stock_events e where e.reading_id = r.id and e.received_at >= moment_of($3)"
             "   and e.kind <> 'v' and right(e.actor, length($4)) = $4 offset 0) e",
             from.reading, kReadings, micros_before(import),
             std::string{kImport} + to_string(import))) {
      page.events.push_back({ReadingId{row[0].as<std::int64_t>()},
                             ShopId{row[1].as<std::int64_t>()},
                             Gtin::from_number(row[2].as<std::int64_t>()),
                             *Uuid::parse(row[3].c_str()), row[4].as<bool>()});
    }
    if (from.reading + kReadings < last[0][0].as<std::int64_t>())
      page.next = EventCursor{from.reading + kReadings};
    return page;
  }

  ProductPage products(const Uuid& import, ProductCursor from) override {
    const auto after = from.at == 0 ? micros_before(import) : from.at;
    ProductPage page;
    std::size_t read = 0;
    for (const pqxx::row& row : connected().exec_params(
             "with part as (select at, id, subject, subject_id, actor from audit"
             "  where (at, id) > (moment_of($1), $2) order by at, id limit $3)"
             " select subject_id, null, null, null from part"
             "  where subject = 'product' and right(actor, length($4)) = $4"
             " union all select null, (select count(*) from part), micros_of(last.at), last.id"
             "  from (select at, id from part order by at desc, id desc limit 1) last",
             after, from.entry, kEntries, std::string{kImport} + to_string(import))) {
      if (!row[0].is_null()) {
        page.products.push_back(Gtin::from_number(row[0].as<std::int64_t>()));
        continue;
      }
      read = row[1].as<std::size_t>();
      page.next = ProductCursor{row[2].as<std::int64_t>(), row[3].as<std::int64_t>()};
    }
    if (read < static_cast<std::size_t>(kEntries)) page.next.reset();
    return page;
  }

 private:
  Connection& connected() { return postgres::renewed(connection_, options_); }

  const PostgresOptions options_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace

std::string actor_of_import(const std::string& actor, const Uuid& import) {
  return actor + std::string{kImport} + to_string(import);
}

std::string actor_of_undo(const std::string& actor, const Uuid& import) {
  return actor + std::string{kUndo} + to_string(import);
}

std::optional<Uuid> import_of_actor(const std::string& actor) { return id_after(kImport, actor); }

std::optional<Uuid> undone_by_actor(const std::string& actor) { return id_after(kUndo, actor); }

bool is_name_of_import(const std::string& name) {
  return import_of_actor(name) || undone_by_actor(name);
}

std::unique_ptr<ImportTrail> make_import_trail(const PostgresOptions& options) {
  return std::make_unique<PostgresImportTrail>(options);
}

}  // namespace codasync::storage
