#include "storage/postgres/reader.hpp"

#include <algorithm>
#include <utility>

#include "storage/postgres/arrays.hpp"
#include "storage/postgres/change_feed.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/postgres/overview.hpp"
#include "storage/postgres/query.hpp"
#include "storage/postgres/readings_query.hpp"
#include "storage/postgres/work_list.hpp"

namespace codasync::storage::postgres {
namespace {

template <class Row, class Read>
std::optional<Row> first_of(const pqxx::result& rows, Read&& read) {
  if (rows.empty()) return std::nullopt;
  return read(rows[0]);
}

/// Returns: ` limit …`: one row more than the page, to detect further rows.
std::string limit_to(std::size_t limit) { return " limit " + std::to_string(limit + 1); }

template <class Row, class Read>
Page<Row> page_of(const pqxx::result& rows, std::size_t limit, Read&& read) {
  Page<Row> page;
  for (const pqxx::row& row : rows) {
    page.more = page.rows.size() == limit;
    if (page.more) break;
    page.rows.push_back(read(row));
  }
  return page;
}

/// Words of three characters and more are found anywhere, also inside words, with the trigram
/// index; shorter words are found at the beginning of words.
constexpr std::ptrdiff_t kAnywhereCharacters = 3;

std::ptrdiff_t characters(const std::string& utf8) {
  return std::ranges::count_if(utf8, [](char byte) { return (byte & 0xC0) != 0x80; });
}

/// Returns: the spellings of a word that a search text can have. The lower case of Σ is σ, and at
/// the end of a word ς; lower() makes only the first.
std::vector<std::string> spellings_of(const std::string& word) {
  for (const std::string_view sigma : {"Σ", "σ", "ς"}) {
    if (!word.ends_with(sigma)) continue;
    const auto stem = word.substr(0, word.size() - sigma.size());
    return {stem + "σ", stem + "ς"};
  }
  return {word};
}

/// Returns: SQL for whether a product's search text contains the text. The result of `folded()`
/// begins with a blank, like each word of the text. The special characters of LIKE are escaped in
/// the result: `folded()` also makes them of others, such as the full-width percent sign.
std::string contains(const std::string& text, Query& query) {
  const auto folded = "folded(" + query.parameter(text) + ")";
  const bool anywhere = characters(text) >= kAnywhereCharacters;
  return "p.search like '%' || regexp_replace(" + (anywhere ? "ltrim(" + folded + ")" : folded) +
         R"(, '([\\%_])', '\\\1', 'g') || '%')";
}

/// Adds the rows of a filter, without its cursor.
void add_products(Query& query, const ProductFilter& filter) {
  query.add(" from products p where removed_at is null");
  for (const std::string& word : filter.words) {
    std::string found;
    for (const auto& text : spellings_of(word))
      found += (found.empty() ? "" : " or ") + contains(text, query);
    const auto gtin = Gtin::parse(word);
    if (gtin) found += " or p.gtin = " + query.parameter(gtin->number());
    query.add(" and (" + found + ")");
  }
  if (!filter.gtins.empty()) query.add(" and gtin = any(" + query.parameter(filter.gtins) + ")");
  if (filter.category) query.add(" and category = " + query.parameter(*filter.category));
  if (filter.brand) query.add(" and brand = " + query.parameter(*filter.brand));
}

/// Adds the groups of a kind.
void add_groups(Query& query, ProductGroupKind kind) {
  query.add(std::string{" from product_groups where kind = '"} +
            (kind == ProductGroupKind::brand ? "brand" : "category") + "' and products > 0");
}

const std::string kShops = " from shops s where removed_at is null";

/// `add_rows` adds what follows `select`. Returns: how many rows there are, up to kCountedMax.
template <class AddRows>
std::optional<std::int64_t> count_of(Connection& connection, const AddRows& add_rows) {
  Query query{"select count(*) from (select"};
  add_rows(query);
  query.add(limit_to(kCountedMax) + ") r");
  const auto count = query.run(connection)[0][0].template as<std::int64_t>();
  return std::cmp_less_equal(count, kCountedMax) ? std::optional{count} : std::nullopt;
}

}  // namespace

Page<Shop> PostgresReader::shops(const ShopFilter& filter, std::size_t limit) {
  const std::int64_t after = filter.after ? filter.after->value() : 0;
  return page_of<Shop>(
      connection_.exec_params(
          "select " + kShopColumns + kShops + " and id > $1 order by id" + limit_to(limit), after),
      limit, shop_of);
}

std::optional<Product> PostgresReader::product(Gtin gtin) {
  return first_of<Product>(
      connection_.exec_params(
          "select " + kProductColumns + " from products p where gtin = $1 and removed_at is null",
          gtin.number()),
      product_of);
}

Page<Product> PostgresReader::products(const ProductFilter& filter, std::size_t limit) {
  Query query{"select " + kProductColumns};
  add_products(query, filter);
  const bool by_name = filter.order == ProductOrder::name;
  if (filter.after) {
    const auto gtin = query.parameter(filter.after->gtin.number());
    query.add(by_name ? " and (sort_name, gtin) > (folded(" + query.parameter(filter.after->name) +
                            "), " + gtin + ")"
                      : " and gtin > " + gtin);
  }
  query.add(std::string{" order by "} + (by_name ? "sort_name, gtin" : "gtin") + limit_to(limit));
  return page_of<Product>(query.run(connection_), limit, product_of);
}

Page<ProductGroup> PostgresReader::product_groups(ProductGroupKind kind,
                                                  const std::optional<std::string>& after,
                                                  std::size_t limit) {
  Query query{"select name, products"};
  add_groups(query, kind);
  if (after) {
    const auto name = query.parameter(*after);
    query.add(" and (sort_name, name collate \"C\") > (folded(" + name + "), " + name + ")");
  }
  query.add(" order by sort_name, name collate \"C\"" + limit_to(limit));
  return page_of<ProductGroup>(query.run(connection_), limit, [](const pqxx::row& row) {
    return ProductGroup{row[0].as<std::string>(), row[1].as<std::int64_t>()};
  });
}

Rows PostgresReader::rows(const RowKeys& keys) {
  const auto number = [](auto value) { return std::to_string(value); };
  Rows rows;
  for (const pqxx::row& row : connection_.exec_params(
           "select * from rows_of($1, $2, $3, $4)",
           array_of(keys.shops, [&](ShopId id) { return number(id.value()); }),
           array_of(keys.products, [&](Gtin gtin) { return number(gtin.number()); }),
           array_of(keys.readings, [&](const auto& key) { return number(key.shop.value()); }),
           array_of(keys.readings, [&](const auto& key) { return number(key.gtin.number()); })))
    add_row(row, rows);
  return rows;
}

std::optional<std::int64_t> PostgresReader::count_products(const ProductFilter& filter) {
  return count_of(connection_, [&](Query& query) { add_products(query, filter); });
}

std::optional<std::int64_t> PostgresReader::count_groups(ProductGroupKind kind) {
  return count_of(connection_, [&](Query& query) { add_groups(query, kind); });
}

std::optional<std::int64_t> PostgresReader::count_shops() {
  return count_of(connection_, [](Query& query) { query.add(kShops); });
}

std::optional<std::int64_t> PostgresReader::count_readings(const ReadingFilter& filter) {
  Query query{""};
  add_count(query, filter, kCountedMax);
  const auto row = query.run(connection_)[0];
  return row[1].as<bool>() ? std::nullopt : std::optional{row[0].as<std::int64_t>()};
}

ReadingPage PostgresReader::readings(const ReadingFilter& filter, std::size_t limit) {
  Query query{""};
  add_readings(query, filter, limit);
  return readings_page(query.run(connection_), limit);
}

std::optional<ShopThresholds> PostgresReader::thresholds(ShopId shop) {
  const auto found = shop_today(connection_, shop);
  return found ? std::optional{found->thresholds} : std::nullopt;
}

std::optional<WorkPage> PostgresReader::work_list(const WorkFilter& filter, std::size_t limit) {
  const auto shop = shop_today(connection_, filter.shop);
  if (!shop) return std::nullopt;
  Query query{""};
  add_work_list(query, *shop, filter, limit);
  return work_page(query.run(connection_), limit);
}

Outcome<Overview, OverviewRefusal> PostgresReader::overview(const OverviewFilter& filter) {
  return read_overview(connection_, filter);
}

std::optional<Instant> PostgresReader::day_ends_at(ShopId shop) {
  const pqxx::result rows = connection_.exec_params(
      "select micros_of(end_of_day(day_in(time_zone, now()), time_zone)) from shops where id = $1",
      shop.value());
  return rows.empty() ? std::nullopt : std::optional{instant_of(rows[0][0])};
}

std::map<ReadingId, ReadingKey> PostgresReader::reading_keys(const std::vector<ReadingId>& ids) {
  std::map<ReadingId, ReadingKey> keys;
  const auto list = array_of(ids, [](ReadingId id) { return std::to_string(id.value()); });
  for (const pqxx::row& row : connection_.exec_params(
           "select id, shop_id, gtin from stock_readings where id = any($1::bigint[])", list)) {
    keys.try_emplace(ReadingId{row[0].as<std::int64_t>()},
                     ReadingKey{ShopId{row[1].as<std::int64_t>()},
                                Gtin::from_number(row[2].as<std::int64_t>())});
  }
  return keys;
}

HistoryPage PostgresReader::history(ReadingId id, const std::optional<HistoryCursor>& before,
                                    std::size_t limit) {
  Query query{"select " + kEventColumns + " from " + kEventTables + " where e.reading_id = "};
  query.add(query.parameter(id.value()));
  if (before) {
    const auto at = query.parameter(to_string(before->observed_at)) + "::timestamptz";
    // The first condition excludes partitions; a comparison of rows cannot.
    query.add(" and e.observed_at <= " + at + " and (e.observed_at, e.id) < (" + at + ", " +
              query.parameter(to_string(before->event)) + "::uuid)");
  }
  query.add(" order by e.observed_at desc, e.id desc" + limit_to(limit));
  HistoryPage page{page_of<HistoryEntry>(query.run(connection_), limit, event_of)};
  if (!page.more) {
    const auto base = connection_.exec_params(
        "select micros_of(until) from stock_segments where reading_id = $1 and is_base",
        id.value());
    if (!base.empty()) page.begins_at = instant_of(base[0][0]) + std::chrono::microseconds{1};
  }
  return page;
}

Outcome<FeedPage, FeedRefusal> PostgresReader::changes(ShopId shop,
                                                       const std::optional<FeedCursor>& since,
                                                       std::size_t limit) {
  return read_feed(connection_, shop, since, limit);
}

FeedRound PostgresReader::follow(const std::vector<FeedCursor>& positions, std::size_t limit) {
  return follow_feed(connection_, positions, limit);
}

std::set<TokenHash> PostgresReader::valid_tokens(const std::vector<TokenHash>& hashes) {
  std::set<TokenHash> valid;
  for (const pqxx::row& row : connection_.exec_params(
           "with known as materialized (select hash from tokens_with_hashes($1::bytea[]) where " +
               kTokenIsValid +
               ") select place from unnest($1::bytea[]) with ordinality as wanted (hash, place)"
               " where hash in (select hash from known) or exists (select from sessions join tokens"
               " on id = token_id where secret_hash = wanted.hash and " +
               kTokenIsValid + ")",
           array_of(hashes, [](const TokenHash& hash) { return quoted(bytea(hash)); })))
    valid.insert(hashes.at(row[0].as<std::size_t>() - 1));
  return valid;
}

Outcome<Token, TokenRefusal> PostgresReader::token(const TokenHash& hash) {
  static const std::string kStatement = "select " + kTokenColumns +
                                        ", revoked_at is not null as revoked, " + kTokenIsValid +
                                        " as valid from tokens_with_hashes(array[$1::bytea])";
  const auto found = connection_.exec_params(kStatement, bytea(hash));
  if (found.empty()) return TokenRefusal{TokenRefusal::unknown};
  auto token = token_of(found[0]);
  if (found[0]["valid"].as<bool>()) return token;
  return TokenRefusal{
      found[0]["revoked"].as<bool>() ? TokenRefusal::revoked : TokenRefusal::expired, token.id};
}

Page<Token> PostgresReader::tokens(std::optional<TokenId> after, std::size_t limit) {
  return page_of<Token>(
      connection_.exec_params("select " + kTokenColumns +
                                  " from tokens where id > $1 and revoked_at is null order by id" +
                                  limit_to(limit),
                              after ? after->value() : 0),
      limit, token_of);
}

Page<AuditEntry> PostgresReader::audit(const AuditFilter& filter, std::size_t limit) {
  Query query{"select " + kAuditColumns + " from audit where true"};
  const auto moment = [&](Instant at) { return query.parameter(to_string(at)) + "::timestamptz"; };
  if (filter.actor) query.add(" and token_id = " + query.parameter(*filter.actor));
  if (filter.subject) query.add(" and subject = " + query.parameter(*filter.subject));
  if (filter.subject_id) query.add(" and subject_id = " + query.parameter(*filter.subject_id));
  if (filter.from) query.add(" and at >= " + moment(*filter.from));
  if (filter.until) query.add(" and at < " + moment(*filter.until));
  if (filter.before)
    query.add(" and (at, id) < (" + moment(filter.before->at) + ", " +
              query.parameter(filter.before->id) + ")");
  return page_of<AuditEntry>(
      query.add(" order by at desc, id desc" + limit_to(limit)).run(connection_), limit,
      audit_entry_of);
}

Page<ImportRecord> PostgresReader::imports(const std::optional<Uuid>& before, std::size_t limit) {
  Query query{"select " + kImportColumns + " from imports where true"};
  if (before) query.add(" and id < " + query.parameter(to_string(*before)) + "::uuid");
  return page_of<ImportRecord>(query.add(" order by id desc" + limit_to(limit)).run(connection_),
                               limit, import_of);
}

std::optional<ImportRecord> PostgresReader::import(const Uuid& id) {
  return first_of<ImportRecord>(
      connection_.exec_params("select " + kImportColumns + " from imports where id = $1",
                              to_string(id)),
      import_of);
}

// Each shop is one range of stock_readings_shop_expiry, read from its beginning.
std::vector<ExpiredCount> PostgresReader::expired_by_shop(std::size_t shops_max) {
  const pqxx::result rows = connection_.exec_params(
      kToday +
          "select s.id, expired.readings from shops s join zones z using (time_zone)"
          " cross join lateral (select count(*) as readings from (select from stock_readings r"
          " where r.shop_id = s.id and r.present and r.expiry_date < z.today limit $1) counted)"
          " expired where s.removed_at is null order by expired.readings desc, s.id limit $2",
      kPageMax, shops_max);
  std::vector<ExpiredCount> counts;
  for (const pqxx::row& row : rows) {
    counts.push_back({ShopId{row[0].as<std::int64_t>()}, row[1].as<std::int64_t>()});
  }
  return counts;
}

std::int64_t PostgresReader::events_added() {
  return connection_
      .exec(
          "select coalesce(sum(s.n_tup_ins), 0)::bigint from pg_inherits i"
          " join pg_stat_all_tables s on s.relid = i.inhrelid"
          " where i.inhparent = 'stock_events'::regclass")[0][0]
      .as<std::int64_t>();
}

// Some names of the system's list are no zones of the world: `localtime` and `posixrules` are
// settings of the machine, `Factory` says that it has none, and `posix/` has a second copy of all.
bool PostgresReader::has_time_zone(const std::string& name) {
  return connection_
      .exec_params(
          "select exists (select from pg_timezone_names where name = $1 and name not in"
          " ('Factory', 'localtime', 'posixrules') and name !~ '^(posix|right)/')",
          name)[0][0]
      .as<bool>();
}

}  // namespace codasync::storage::postgres
