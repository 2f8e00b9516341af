#include "storage/stock_rows.hpp"

#include <cassert>

#include "storage/postgres/arrays.hpp"

namespace codasync::storage {
namespace {

using postgres::array_of;
using postgres::quoted;

// ------------------------------------------------------------------------------------------ out of
// SQL

/// A column as microseconds since 1970: exact, and independent of the session's date style.
std::string micros(const std::string& column) {
  return "(extract(epoch from " + column + ") * 1000000)::bigint";
}

Instant instant(const pqxx::field& field) {
  return Instant{std::chrono::microseconds{field.as<std::int64_t>()}};
}

std::optional<Instant> maybe_instant(const pqxx::field& field) {
  return field.is_null() ? std::nullopt : std::optional{instant(field)};
}

std::optional<std::int64_t> maybe_number(const pqxx::field& field) {
  return field.is_null() ? std::nullopt : std::optional{field.as<std::int64_t>()};
}

std::optional<ShelfDate> maybe_date(const pqxx::field& date, const pqxx::field& kind) {
  if (date.is_null()) return std::nullopt;
  return ShelfDate{*parse_date(date.c_str()),
                   kind.is_null() ? std::nullopt : parse_date_kind(kind.c_str())};
}

// ------------------------------------------------------------------------------------------ into
// SQL

std::string sql(std::int64_t number) { return std::to_string(number); }
std::string sql(bool truth) { return truth ? "t" : "f"; }
std::string sql(Instant moment) { return to_string(moment); }
std::string sql(Date date) { return to_string(date); }
std::string sql(const Uuid& uuid) { return to_string(uuid); }
std::string sql(DateKind kind) { return std::string{name_of(kind)}; }

template <class T>
std::string sql(const std::optional<T>& value) {
  return value ? sql(*value) : "null";
}

std::optional<Date> date_of(const std::optional<ShelfDate>& date) {
  return date ? std::optional{date->date} : std::nullopt;
}

std::optional<DateKind> kind_of(const std::optional<ShelfDate>& date) {
  return date ? date->kind : std::nullopt;
}

std::string shops_of(const StockRows& rows) {
  return array_of(rows, [](const auto& entry) { return sql(entry.second.shop.value()); });
}

std::string gtins_of(const StockRows& rows) {
  return array_of(rows, [](const auto& entry) { return sql(entry.second.gtin.number()); });
}

std::string hex_of(const std::array<std::uint8_t, 32>& bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const auto byte : bytes) {
    hex.push_back(kDigits[byte >> 4U]);
    hex.push_back(kDigits[byte & 15U]);
  }
  return hex;
}

/// Array literals of a set of rows, as the statements below take them.
struct RowColumns {
  explicit RowColumns(const std::vector<const StockRow*>& rows)
      : ids{array_of(rows, [](auto* row) { return sql(row->id.value()); })},
        shops{array_of(rows, [](auto* row) { return sql(row->shop.value()); })},
        gtins{array_of(rows, [](auto* row) { return sql(row->gtin.number()); })},
        dates{array_of(rows, [](auto* row) { return sql(date_of(row->shelf.date)); })},
        kinds{array_of(rows, [](auto* row) { return sql(kind_of(row->shelf.date)); })},
        balances{array_of(rows, [](auto* row) { return sql(row->shelf.balance); })},
        removed{array_of(rows, [](auto* row) { return sql(!row->shelf.present); })},
        versions{array_of(rows, [](auto* row) { return sql(row->version); })},
        observed{array_of(rows, [](auto* row) { return sql(row->observed_at); })},
        updated{array_of(rows, [](auto* row) { return sql(row->updated_at); })},
        folded{array_of(rows, [](auto* row) { return sql(row->shelf.folded_at); })},
        checked{array_of(rows, [](auto* row) { return sql(row->shelf.checked_at); })},
        counted{array_of(rows, [](auto* row) { return sql(row->shelf.counted_at); })},
        received{array_of(rows, [](auto* row) { return sql(row->received_at); })},
        changed{array_of(rows, [](auto* row) { return sql(row->changed); })} {}

  std::string ids, shops, gtins, dates, kinds, balances, removed, versions, observed, updated,
      folded, checked, counted, received, changed;
};

}  // namespace

void lock_rows(postgres::WriteTransaction& transaction, StockRows& rows) {
  // The inner join finds each row by its index; LockRows stands above the sort, so the locks are
  // taken in this order.
  static const std::string kStatement =
      "select r.id, r.shop_id, r.gtin, r.expiry_date, r.date_kind, r.balance, r.removed, "
      "r.version, " +
      micros("r.observed_at") + ", " + micros("r.updated_at") + ", " + micros("r.folded_at") +
      ", " + micros("r.checked_at") + ", " + micros("r.counted_at") + ", " +
      micros("r.received_at") +
      ", p.name, p.version from unnest($1::bigint[], $2::bigint[]) as wanted (shop_id, gtin)"
      " join stock_readings r using (shop_id, gtin) join products p on p.gtin = r.gtin"
      " order by r.shop_id, r.gtin for update of r";
  for (const pqxx::row& found :
       transaction.exec_params(kStatement, shops_of(rows), gtins_of(rows))) {
    auto& row = rows.at({found[1].as<std::int64_t>(), found[2].as<std::int64_t>()});
    row.id = ReadingId{found[0].as<std::int64_t>()};
    row.exists = true;
    row.shelf = Shelf{.present = !found[6].as<bool>(),
                      .date = maybe_date(found[3], found[4]),
                      .balance = maybe_number(found[5]),
                      .folded_at = maybe_instant(found[10]),
                      .checked_at = maybe_instant(found[11]),
                      .counted_at = maybe_instant(found[12])};
    row.version = found[7].as<std::int64_t>();
    row.observed_at = instant(found[8]);
    row.updated_at = instant(found[9]);
    row.received_at = instant(found[13]);
    // The product of a tombstone may be removed itself; load_products() tells.
    if (row.shelf.present)
      row.product = ProductName{found[14].as<std::string>(), found[15].as<std::int64_t>()};
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
      "select id, kind, expiry_date, date_kind, quantity, coalesce(delta, 0), voids, " +
      micros("observed_at") + " from stock_events where reading_id = $1 order by observed_at, id";
  std::vector<Event> events;
  for (const pqxx::row& line : transaction.exec_params(kStatement, reading.value())) {
    events.push_back(Event{.id = *Uuid::parse(line[0].c_str()),
                           .kind = *parse_event_kind(line[1].c_str()),
                           .date = maybe_date(line[2], line[3]),
                           .quantity = maybe_number(line[4]),
                           .delta = line[5].as<std::int64_t>(),
                           .voids = line[6].is_null() ? std::nullopt : Uuid::parse(line[6].c_str()),
                           .observed_at = instant(line[7])});
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
           array_of(keys, [](const auto& key) { return sql(key.first.value()); }),
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
  const RowColumns updated{present};
  const RowColumns inserted{fresh};
  const auto column = [&ledger](auto&& value) {
    return array_of(ledger, [&](const LedgerLine& line) { return sql(value(line)); });
  };
  const auto text = [&ledger](auto&& value) {
    return array_of(ledger, [&](const LedgerLine& line) { return quoted(value(line)); });
  };
  static const std::string kStatement =
      "with updated as (update stock_readings r set expiry_date = n.expiry_date, date_kind = "
      "n.date_kind, balance = n.balance,"
      "   removed = n.removed, version = n.version, observed_at = n.observed_at, updated_at = "
      "n.updated_at,"
      "   folded_at = n.folded_at, checked_at = n.checked_at, counted_at = n.counted_at, "
      "received_at = n.received_at,"
      "   change_xid = case when n.changed then pg_current_xact_id() else r.change_xid end"
      "  from unnest($1::bigint[], $2::date[], $3::text[], $4::bigint[], $5::boolean[], "
      "$6::bigint[], $7::timestamptz[],"
      "   $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], "
      "$12::timestamptz[], $13::boolean[])"
      "   as n (id, expiry_date, date_kind, balance, removed, version, observed_at, updated_at, "
      "folded_at, checked_at,"
      "   counted_at, received_at, changed)"
      "  where r.id = n.id),"
      " inserted as (insert into stock_readings (id, shop_id, gtin, expiry_date, date_kind, "
      "balance, removed, version,"
      "   observed_at, updated_at, folded_at, checked_at, counted_at, received_at) overriding "
      "system value"
      "  select * from unnest($14::bigint[], $15::bigint[], $16::bigint[], $17::date[], "
      "$18::text[], $19::bigint[],"
      "   $20::boolean[], $21::bigint[], $22::timestamptz[], $23::timestamptz[], "
      "$24::timestamptz[], $25::timestamptz[],"
      "   $26::timestamptz[], $27::timestamptz[])),"
      " answers as (insert into idempotency_keys (token_id, key, fingerprint, status, etag, "
      "location, body)"
      "  select token_id, key, decode(fingerprint, 'hex'), status, etag, location, body"
      "  from unnest($28::bigint[], $29::text[], $30::text[], $31::integer[], $32::text[], "
      "$33::text[], $34::text[])"
      "   as k (token_id, key, fingerprint, status, etag, location, body))"
      " insert into stock_events (id, reading_id, kind, expiry_date, date_kind, quantity, delta, "
      "voids, reason, observed_at,"
      "  received_at, token_id, actor, outcome, version, after_date, after_date_kind, "
      "after_quantity, after_removed)"
      " select * from unnest($35::uuid[], $36::bigint[], $37::text[], $38::date[], $39::text[], "
      "$40::integer[], $41::bigint[],"
      "  $42::uuid[], $43::text[], $44::timestamptz[], $45::timestamptz[], $46::bigint[], "
      "$47::text[], $48::text[],"
      "  $49::bigint[], $50::date[], $51::text[], $52::integer[], $53::boolean[])";
  const auto kept = [&answers](auto&& value) {
    return array_of(answers, [&](const KeptAnswer& answer) { return quoted(value(answer)); });
  };
  try {
    transaction.exec_params(
        kStatement,  //
        updated.ids, updated.dates, updated.kinds, updated.balances, updated.removed,
        updated.versions, updated.observed, updated.updated, updated.folded, updated.checked,
        updated.counted, updated.received, updated.changed, inserted.ids, inserted.shops,
        inserted.gtins, inserted.dates, inserted.kinds, inserted.balances, inserted.removed,
        inserted.versions, inserted.observed, inserted.updated, inserted.folded, inserted.checked,
        inserted.counted, inserted.received,
        array_of(answers, [](const KeptAnswer& answer) { return sql(answer.token.value()); }),
        kept([](const KeptAnswer& answer) { return answer.key.key; }),
        kept([](const KeptAnswer& answer) { return hex_of(answer.key.fingerprint); }),
        array_of(answers,
                 [](const KeptAnswer& answer) { return sql(std::int64_t{answer.answer.status}); }),
        kept([](const KeptAnswer& answer) { return answer.answer.etag; }),
        kept([](const KeptAnswer& answer) { return answer.answer.location; }),
        kept([](const KeptAnswer& answer) { return answer.answer.body; }),
        column([](const LedgerLine& line) { return line.event.id; }),
        column([](const LedgerLine& line) { return line.row->id.value(); }),
        text([](const LedgerLine& line) { return name_of(line.event.kind); }),
        column([](const LedgerLine& line) { return date_of(line.event.date); }),
        column([](const LedgerLine& line) { return kind_of(line.event.date); }),
        column([](const LedgerLine& line) { return line.event.quantity; }),
        column([](const LedgerLine& line) {
          return line.event.kind == EventKind::adjust ? std::optional{line.event.delta}
                                                      : std::nullopt;
        }),
        column([](const LedgerLine& line) { return line.event.voids; }),
        text([](const LedgerLine& line) { return line.reason; }),
        column([](const LedgerLine& line) { return line.event.observed_at; }),
        column([](const LedgerLine& line) { return line.received_at; }),
        column([](const LedgerLine& line) { return line.token.value(); }),
        text([](const LedgerLine& line) { return std::string_view{line.actor}; }),
        text([](const LedgerLine& line) { return name_of(line.outcome); }),
        column([](const LedgerLine& line) { return line.version; }),
        column([](const LedgerLine& line) { return date_of(line.after.date); }),
        column([](const LedgerLine& line) { return kind_of(line.after.date); }),
        column([](const LedgerLine& line) { return line.after.quantity(); }),
        column([](const LedgerLine& line) { return !line.after.present; }));
  } catch (const postgres::ConstraintViolation& violation) {
    const auto& name = violation.constraint();
    if (name == "stock_readings_shop_id_gtin_key" || name == "idempotency_keys_pkey")
      throw postgres::Conflict{violation.what()};
    throw;
  }
}

}  // namespace codasync::storage
