#pragma once

#include "storage/postgres/connection.hpp"
#include "storage/reader.hpp"

namespace codasync::storage::postgres {

/// The queries on one connection, inside or outside a transaction.
class PostgresReader : public Reader {
 public:
  explicit PostgresReader(Connection& connection) : connection_{connection} {}

  std::optional<std::int64_t> count_products(const ProductFilter& filter) override;
  std::optional<std::int64_t> count_readings(const ReadingFilter& filter) override;
  std::optional<std::int64_t> count_shops() override;
  std::optional<std::int64_t> count_groups(ProductGroupKind kind) override;
  Page<Shop> shops(const ShopFilter& filter, std::size_t limit) override;
  std::optional<Product> product(Gtin gtin) override;
  Page<Product> products(const ProductFilter& filter, std::size_t limit) override;
  Page<ProductGroup> product_groups(ProductGroupKind kind, const std::optional<std::string>& after,
                                    std::size_t limit) override;
  Rows rows(const RowKeys& keys) override;
  ReadingPage readings(const ReadingFilter& filter, std::size_t limit) override;
  std::optional<ShopThresholds> thresholds(ShopId shop) override;
  std::optional<WorkPage> work_list(const WorkFilter& filter, std::size_t limit) override;
  Outcome<Overview, OverviewRefusal> overview(const OverviewFilter& filter) override;
  std::optional<Instant> day_ends_at(ShopId shop) override;
  std::map<ReadingId, ReadingKey> reading_keys(const std::vector<ReadingId>& ids) override;
  HistoryPage history(ReadingId id, const std::optional<HistoryCursor>& before,
                      std::size_t limit) override;
  Outcome<FeedPage, FeedRefusal> changes(ShopId shop, const std::optional<FeedCursor>& since,
                                         std::size_t limit) override;
  FeedRound follow(const std::vector<FeedCursor>& positions, std::size_t limit) override;
  std::set<TokenHash> valid_tokens(const std::vector<TokenHash>& hashes) override;
  Outcome<Token, TokenRefusal> token(const TokenHash& hash) override;
  Page<Token> tokens(std::optional<TokenId> after, std::size_t limit) override;
  Page<AuditEntry> audit(const AuditFilter& filter, std::size_t limit) override;
  Page<ImportRecord> imports(const std::optional<Uuid>& before, std::size_t limit) override;
  std::optional<ImportRecord> import(const Uuid& id) override;
  std::vector<ExpiredCount> expired_by_shop(std::size_t shops_max) override;
  std::int64_t events_added() override;
  bool has_time_zone(const std::string& name) override;

 private:
  Connection& connection_;
};

}  // namespace codasync::storage::postgres
