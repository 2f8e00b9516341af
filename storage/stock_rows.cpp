#include "storage/stock_rows.hpp"

#include <cassert>
#include <charconv>

#include "storage/postgres/arrays.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/postgres/row_array.hpp"

namespace codasync::storage {
namespace {

using postgres::array_of;
using postgres::quoted;

// ---- out of SQL ----

/// `hex`: the bytes of timestamptz_send().
Instant sent_instant(const pqxx::field& hex) {
  const std::string_view digits{hex.c_str(), hex.size()};
  std::uint64_t number = 0;
  [[maybe_unused]] const auto read =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  assert(digits.size() == 16 && read.ptr == digits.data() + digits.size());
  return postgres::kPostgresEpoch + std::chrono::microseconds{static_cast<std::int64_t>(number)};
}

std::optional<Instant> maybe_sent_instant(const pqxx::field& hex) {
  return hex.is_null() ? std::nullopt : std::optional{sent_instant(hex)};
}

/// `at`: a tid, as PostgreSQL writes it: (block,offset).
postgres::RowAddress row_address(const pqxx::field& at) {
  const char* const end = at.c_str() + at.size();
  postgres::RowAddress address{};
  const auto block = std::from_chars(at.c_str() + 1, end, address.block);
  [[maybe_unused]] const auto offset = std::from_chars(block.ptr + 1, end, address.offset);
  assert(*block.ptr == ',' && *offset.ptr == ')');
  return address;
}

std::optional<std::int64_t> maybe_number(const pqxx::field& field) {
  return field.is_null() ? std::nullopt : std::optional{field.as<std::int64_t>()};
}

std::optional<ShelfDate> maybe_date(const pqxx::field& date, const pqxx::field& kind) {
  if (date.is_null()) return std::nullopt;
  return ShelfDate{Date{std::chrono::sys_days{std::chrono::days{date.as<int>()}}},
                   kind.is_null() ? std::nullopt : parse_date_kind(kind.c_str())};
}

// ---- into SQL ----

std::optional<Date> date_of(const std::optional<ShelfDate>& date) {
  return date ? std::optional{date->date} : std::nullopt;
}

std::optional<std::string_view> kind_of(const std::optional<ShelfDate>& date) {
  return date && date->kind ? std::optional{name_of(*date->kind)} : std::nullopt;
}

std::string shops_of(const StockRows& rows) {
  return array_of(rows, [](const auto& entry) { return std::to_string(entry.first.first); });
}

std::string gtins_of(const StockRows& rows) {
  return array_of(rows, [](const auto& entry) { return std::to_string(entry.first.second); });
}

/// As the type reading_row.
auto values_of(const StockRow* row) {
  const auto& shelf = row->shelf;
  return std::tuple{row->id.value(),     row->shop.value(), row->gtin.number(), date_of(shelf.date),
                    kind_of(shelf.date), shelf.balance,     !shelf.present,     row->version,
                    row->observed_at,    row->updated_at,   shelf.folded_at,    shelf.checked_at,
                    shelf.counted_at,    row->received_at,  row->changed,       row->at};
}

/// As the type kept_answer.
auto values_of(const KeptAnswer& kept) {
  const auto& answer = kept.answer;
  return std::tuple{kept.token.value(),
                    std::string_view{kept.key.key},
                    kept.key.fingerprint,
                    answer.status,
                    std::string_view{answer.etag},
                    std::string_view{answer.location},
                    std::string_view{answer.body}};
}

/// As the type event_row.
auto values_of(const LedgerLine& line) {
  const auto& event = line.event;
  const auto delta = event.kind == EventKind::adjust ? std::optional{event.delta} : std::nullopt;
  const auto reason = line.reason ? std::optional{std::string_view{*line.reason}} : std::nullopt;
  return std::tuple{event.id,
                    line.row->id.value(),
                    name_of(event.kind),
                    date_of(event.date),
                    kind_of(event.date),
                    event.quantity,
                    delta,
                    event.voids,
                    reason,
                    event.observed_at,
                    line.received_at,
                    line.token.value(),
                    std::string_view{line.actor},
                    name_of(line.outcome),
                    line.version,
                    date_of(line.after.date),
                    kind_of(line.after.date),
                    line.after.quantity(),
                    !line.after.present};
}

}  // namespace

postgres::StockKeys keys_of(const StockRows& rows) { return {shops_of(rows), gtins_of(rows)}; }

void load(const pqxx::row& told, StockRow& row) {
  row.id = ReadingId{told[1].as<std::int64_t>()};
  row.exists = true;
  row.shelf = Shelf{.present = !told[8].as<bool>(),
                    .date = maybe_date(told[5], told[6]),
                    .balance = maybe_number(told[7]),
                    .folded_at = maybe_sent_instant(told[12]),
                    .checked_at = maybe_sent_instant(told[13]),
                    .counted_at = maybe_sent_instant(told[14])};
  row.version = told[9].as<std::int64_t>();
  row.observed_at = sent_instant(told[10]);
  row.updated_at = sent_instant(told[11]);
  row.received_at = sent_instant(told[15]);
  row.at = row_address(told[18]);
  // The product of a tombstone may be removed itself; load_products() tells.
  if (row.shelf.present)
    row.product = ProductName{told[16].as<std::string>(), told[17].as<std::int64_t>()};
}

void load(const pqxx::result& told, StockRows& rows) {
  for (const pqxx::row& found : told) {
    if (std::string_view{found[0].c_str()} != "reading") continue;
    load(found, rows.at({found[3].as<std::int64_t>(), found[4].as<std::int64_t>()}));
  }
}

void load_products(postgres::WriteTransaction& transaction, StockRows& rows) {
  const auto found = transaction.exec_params(
      "select gtin, name, version from products where gtin = any($1::bigint[]) and removed_at is "
      "null",
      gtins_of(rows));
  for (auto& [key, row] : rows) {
    for (const pqxx::row& product : found) {
      if (product[0].as<std::int64_t>() != key.second) continue;
      row.product = ProductName{product[1].as<std::string>(), product[2].as<std::int64_t>()};
    }
  }
}

ProductName next_name(postgres::WriteTransaction& transaction, Gtin gtin, const std::string& name) {
  const auto found =
      transaction.exec_params("select version from products where gtin = $1", gtin.number());
  return {name, found.empty() ? 1 : found[0][0].as<std::int64_t>() + 1};
}

void name_product(postgres::WriteTransaction& transaction, Gtin gtin, const ProductName& product) {
  transaction.exec_params(
      "insert into products (gtin, name, version) values ($1, $2, $3)"
      " on conflict (gtin) do update set name = excluded.name, version = excluded.version, "
      "updated_at = clock_timestamp(),"
      " brand = case when products.removed_at is null then products.brand end,"
      " category = case when products.removed_at is null then products.category end, removed_at = "
      "null",
      gtin.number(), product.name, product.version);
}

std::vector<ShopId> existing_shops(postgres::WriteTransaction& transaction, const StockRows& rows) {
  std::vector<ShopId> shops;
  for (const pqxx::row& shop : transaction.exec_params(
           "select id from shops where id = any($1::bigint[]) and removed_at is null",
           shops_of(rows))) {
    shops.emplace_back(shop[0].as<std::int64_t>());
  }
  return shops;
}

std::vector<Event> load_events(postgres::WriteTransaction& transaction, ReadingId reading) {
  static const std::string kStatement =
      "select id, kind, expiry_date - date '1970-01-01', date_kind, quantity, coalesce(delta, 0), "
      "voids, micros_of(observed_at) from stock_events where reading_id = $1 order by observed_at, "
      "id";
  std::vector<Event> events;
  for (const pqxx::row& line : transaction.exec_params(kStatement, reading.value())) {
    events.push_back(Event{.id = *Uuid::parse(line[0].c_str()),
                           .kind = *parse_event_kind(line[1].c_str()),
                           .date = maybe_date(line[2], line[3]),
                           .quantity = maybe_number(line[4]),
                           .delta = line[5].as<std::int64_t>(),
                           .voids = line[6].is_null() ? std::nullopt : Uuid::parse(line[6].c_str()),
                           .observed_at = postgres::instant_of(line[7])});
  }
  return events;
}

std::vector<KeptAnswer> load_answers(postgres::WriteTransaction& transaction,
                                     const std::vector<std::pair<TokenId, std::string>>& keys) {
  std::vector<KeptAnswer> answers;
  for (const pqxx::row& kept : transaction.exec_params(
           "select k.token_id, k.key, encode(k.fingerprint, 'hex'), k.status, k.etag, k.location, "
           "k.body"
           " from unnest($1::bigint[], $2::text[]) as wanted (token_id, key) join idempotency_keys "
           "k using (token_id, key)",
           array_of(keys, [](const auto& key) { return std::to_string(key.first.value()); }),
           array_of(keys, [](const auto& key) { return quoted(key.second); }))) {
    IdempotencyKey key{kept[1].as<std::string>(), {}};
    const std::string_view hex{kept[2].c_str()};
    assert(hex.size() == 2 * key.fingerprint.size());
    for (std::size_t i = 0; i < key.fingerprint.size(); ++i) {
      key.fingerprint[i] =
          static_cast<std::uint8_t>(std::stoi(std::string{hex.substr(2 * i, 2)}, nullptr, 16));
    }
    answers.push_back({TokenId{kept[0].as<std::int64_t>()}, key,
                       Answer{kept[3].as<int>(), kept[4].as<std::string>(),
                              kept[5].as<std::string>(), kept[6].as<std::string>(), true}});
  }
  return answers;
}

void allocate_ids(postgres::WriteTransaction& transaction, StockRows& rows) {
  std::vector<StockRow*> fresh;
  for (auto& [key, row] : rows) {
    if (!row.exists) fresh.push_back(&row);
  }
  const auto ids = transaction.exec_params(
      "select nextval('stock_readings_id_seq') from generate_series(1, $1::integer)", fresh.size());
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    fresh[i]->id = ReadingId{ids[static_cast<pqxx::result::size_type>(i)][0].as<std::int64_t>()};
  }
}

void write(postgres::WriteTransaction& transaction, const StockRows& rows,
           const std::vector<LedgerLine>& ledger, const std::vector<KeptAnswer>& answers) {
  std::vector<const StockRow*> present;
  std::vector<const StockRow*> fresh;
  for (const auto& [key, row] : rows) {
    if (row.touched) (row.exists ? present : fresh).push_back(&row);
  }
  try {
    const auto array_of_rows = [&](postgres::RowType type, const auto& items) {
      return postgres::array_of_rows(transaction.number_of(type), items,
                                     [](const auto& item) { return values_of(item); });
    };
    using postgres::RowType;
    transaction.exec_params(
        "select write_rows($1, $2, $3, $4)", array_of_rows(RowType::reading, present),
        array_of_rows(RowType::reading, fresh), array_of_rows(RowType::kept_answer, answers),
        array_of_rows(RowType::event, ledger));
  } catch (const postgres::UniqueViolation& violation) {
    const auto& name = violation.constraint();  // empty: the server speaks another language
    if (name.empty() || name == "stock_readings_shop_id_gtin_key" ||
        name == "idempotency_keys_pkey")
      throw postgres::Conflict{violation.what()};
    throw;
  }
}

}  // namespace codasync::storage
