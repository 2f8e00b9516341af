#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/change_feed.hpp"
#include "storage/import_record.hpp"
#include "storage/model/catalogue.hpp"
#include "storage/model/outcome.hpp"
#include "storage/model/reading.hpp"
#include "storage/overview.hpp"
#include "storage/token.hpp"
#include "storage/work_list.hpp"

namespace codasync::storage {

inline constexpr std::size_t kPageMax = 1000;

struct ShopFilter {
  std::optional<ShopId> after{};  // keyset: ids above this
};

enum class ProductOrder { gtin, name };

/// The end of a page of products; `name`: only in the order of names.
struct ProductCursor {
  Gtin gtin;
  std::string name{};
};

struct ProductFilter {
  std::vector<std::string> words{};  // each must be in name, brand or category, without regard to
                                     // case and accents, or be the GTIN
  std::vector<Gtin> gtins{};         // one of these; empty: all
  std::optional<std::string> category{};  // exactly
  std::optional<std::string> brand{};     // exactly
  ProductOrder order{ProductOrder::gtin};
  std::optional<ProductCursor> after{};
};

enum class ProductGroupKind { brand, category };

/// The products with one brand, or with one category.
struct ProductGroup {
  std::string name;
  std::int64_t products;
};

enum class ReadingOrder {
  id,
  expiry_date,
  expiry_date_descending,
  name,  // without regard to case and accents, then by GTIN and shop
  updated_at_descending,
  checked_on,  // the day (UTC) of the newest check; only with not_checked_since
  gtin,        // then by shop
};

/// A position in a list of readings.
struct ReadingCursor {
  std::optional<std::int64_t> key{};  // the day, or microseconds, since 1970; null: no date
  std::int64_t number{0};             // the id; by name and by gtin: the GTIN
  std::int64_t shop{0};               // by name and by gtin
  std::string name{};                 // by name
};

struct ReadingFilter {
  std::vector<ShopId> shops{};            // in one of these; empty: all
  std::vector<Gtin> gtins{};              // of one of these; empty: all
  std::optional<std::string> category{};  // of the product, exactly
  std::optional<Date> expires_before{};   // expiry_date < this
  std::optional<Date> expires_after{};    // expiry_date > this
  // expiry_date < today in the shop's time zone; false: all others, undated ones included
  std::optional<bool> expired{};
  std::optional<Instant> not_checked_since{};  // looked at before this
  // quantity is not 0 (a reading without a count is in stock); false: it is 0
  std::optional<bool> in_stock{};
  // in stock and not expired; false: sold out or expired
  std::optional<bool> available{};
  ReadingOrder order{ReadingOrder::id};  // one of orders_of() (storage/reading_orders.hpp)
  std::optional<ReadingCursor> after{};
};

/// The most rows that are counted, so that a count is cheap.
inline constexpr std::size_t kCountedMax = 10'000;

/// One page of a list; `more`: further rows follow.
template <class Row>
struct Page {
  std::vector<Row> rows;
  bool more{false};
};

/// One page of a list of readings. It can have fewer rows than requested although others follow
/// (storage/reading_orders.hpp). `next`: where the next page begins; nothing: this is the last one.
struct ReadingPage {
  std::vector<Reading> rows;
  std::optional<ReadingCursor> next{};
};

/// The end of a page of a history.
struct HistoryCursor {
  Instant observed_at;
  EventId event;
};

/// A page of a history. `begins_at`: set on the last page when older events were deleted
/// (storage/ledger_retention.hpp).
struct HistoryPage : Page<HistoryEntry> {
  std::optional<Instant> begins_at{};
};

struct ReadingKey {
  ShopId shop;
  Gtin gtin;
  friend auto operator<=>(const ReadingKey&, const ReadingKey&) = default;
};

/// The keys of rows to read, each once.
struct RowKeys {
  std::vector<ShopId> shops{};
  std::vector<Gtin> products{};
  std::vector<ReadingKey> readings{};
};

/// The rows that exist.
struct Rows {
  std::map<ShopId, Shop> shops{};
  std::map<Gtin, Product> products{};
  std::map<ReadingKey, ReadingRow> readings{};

  /// Adds the rows of `more` that are not here.
  void merge(Rows more) {
    shops.merge(more.shops);
    products.merge(more.products);
    readings.merge(more.readings);
  }
};

/// A change of a shop, a product or a token, or a void.
struct AuditEntry {
  std::int64_t id;
  Instant at;
  TokenId token;            // of the actor; kOperator for the command line
  std::string actor;        // its name
  std::string action;       // create, change, delete, revoke, void
  std::string subject;      // shop, product, token, reading, thresholds
  std::int64_t subject_id;  // the row's number (thresholds: the shop's); of a product its GTIN
  std::optional<std::string> before;  // JSON; nullopt: no row
  std::optional<std::string> after;
};

/// The end of a page of the audit.
struct AuditCursor {
  Instant at;
  std::int64_t id;
};

struct AuditFilter {
  std::optional<std::int64_t> actor{};  // id of its token
  std::optional<std::string> subject{};
  std::optional<std::int64_t> subject_id{};
  std::optional<Instant> from{};   // at >= this
  std::optional<Instant> until{};  // at < this
  std::optional<AuditCursor> before{};
};

/// The readings of a shop with a date before today in the shop's time zone.
struct ExpiredCount {
  ShopId shop;
  std::int64_t readings;
};

/// The queries. Each is one statement (the end of a history, a page of the feed: two) for any page
/// size, and sees the newest committed state. A removed row is treated as absent: nullopt. Throws:
/// Unavailable. Threads: a reader belongs to one thread.
class Reader {
 public:
  virtual ~Reader() = default;

  // The number of rows of a list, on all its pages; nothing for more than kCountedMax. Of readings
  // also when the index of the list has more rows than that, of which not all belong to it.
  virtual std::optional<std::int64_t> count_products(const ProductFilter& filter) = 0;
  virtual std::optional<std::int64_t> count_readings(const ReadingFilter& filter) = 0;
  virtual std::optional<std::int64_t> count_shops() = 0;
  virtual std::optional<std::int64_t> count_groups(ProductGroupKind kind) = 0;

  // Pages with at most `limit` rows: shops by id, products in the order of the filter.
  virtual Page<Shop> shops(const ShopFilter& filter, std::size_t limit) = 0;
  virtual std::optional<Product> product(Gtin gtin) = 0;
  virtual Page<Product> products(const ProductFilter& filter, std::size_t limit) = 0;

  /// Returns: the groups after the name `after`, or all, by name without regard to case and
  /// accents. A group has at least one product.
  virtual Page<ProductGroup> product_groups(ProductGroupKind kind,
                                            const std::optional<std::string>& after,
                                            std::size_t limit) = 0;

  /// Returns: a page of present readings, in the order of the filter. Requires: the order is one of
  /// orders_of().
  virtual ReadingPage readings(const ReadingFilter& filter, std::size_t limit) = 0;

  /// Returns: the rows that exist, of readings those that are present.
  virtual Rows rows(const RowKeys& keys) = 0;

  /// Returns: nullopt when the shop does not exist.
  virtual std::optional<ShopThresholds> thresholds(ShopId shop) = 0;

  /// Returns: what to check today, the most urgent first (WorkReason, WorkPart); nullopt: the
  /// shop does not exist. Two statements.
  virtual std::optional<WorkPage> work_list(const WorkFilter& filter, std::size_t limit) = 0;

  /// Returns: how many readings expire when. Reads each of them: at most kOverviewReadingsMax.
  virtual Outcome<Overview, OverviewRefusal> overview(const OverviewFilter& filter) = 0;

  /// Returns: when the current day ends in the shop's time zone; nullopt: no such shop. Inside a
  /// transaction, the current day is that of the transaction's start, as for all its queries.
  virtual std::optional<Instant> day_ends_at(ShopId shop) = 0;

  /// Returns: shop and product of these readings, removed ones included; unknown ids are left out.
  /// They never change within one history of the database (CacheState::history).
  virtual std::map<ReadingId, ReadingKey> reading_keys(const std::vector<ReadingId>& ids) = 0;

  /// Returns: the events before `before`, or all; the newest first.
  virtual HistoryPage history(ReadingId id, const std::optional<HistoryCursor>& before,
                              std::size_t limit) = 0;

  /// Returns: a page of the change feed, with at most `limit` readings. Without `since` it begins
  /// with a snapshot: all readings that are present. A change is never missed and can be repeated.
  virtual Outcome<FeedPage, FeedRefusal> changes(ShopId shop,
                                                 const std::optional<FeedCursor>& since,
                                                 std::size_t limit) = 0;

  /// Returns: what follows these positions, with at most `limit` changes for each. One statement,
  /// which costs an index look-up for each position without changes. Requires: they are not in a
  /// snapshot.
  virtual FeedRound follow(const std::vector<FeedCursor>& positions, std::size_t limit) = 0;

  /// `hashes`: of tokens and sessions. Returns: those whose token is neither revoked nor expired;
  /// of sessions those that exist.
  virtual std::set<TokenHash> valid_tokens(const std::vector<TokenHash>& hashes) = 0;

  /// Returns: the valid token with this hash.
  virtual Outcome<Token, TokenRefusal> token(const TokenHash& hash) = 0;

  /// Returns: the tokens that are not revoked, expired ones included, by id.
  virtual Page<Token> tokens(std::optional<TokenId> after, std::size_t limit) = 0;

  /// Returns: the newest entries first.
  virtual Page<AuditEntry> audit(const AuditFilter& filter, std::size_t limit) = 0;

  /// Returns: the imports before `before`, or all; the newest first.
  virtual Page<ImportRecord> imports(const std::optional<Uuid>& before, std::size_t limit) = 0;
  virtual std::optional<ImportRecord> import(const Uuid& id) = 0;

  /// Returns: the number of expired readings of each shop; the largest number first, at most
  /// `shops_max` shops. It counts at most kPageMax readings of a shop, so that no shop makes it
  /// slow.
  virtual std::vector<ExpiredCount> expired_by_shop(std::size_t shops_max) = 0;

  /// Returns: a counter of all processes: how many events were added to the ledger. PostgreSQL
  /// counts them some seconds late, counts imports and batches that failed too, and begins again
  /// after a crash.
  virtual std::int64_t events_added() = 0;

  /// Returns: whether PostgreSQL has a time zone of exactly this name.
  virtual bool has_time_zone(const std::string& name) = 0;
};

}  // namespace codasync::storage
