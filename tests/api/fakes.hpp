#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "api/transport/server.hpp"
#include "cache/cache.hpp"
#include "storage/catalogue_store.hpp"
#include "storage/database.hpp"
#include "storage/errors.hpp"
#include "storage/export.hpp"
#include "storage/sessions.hpp"
#include "storage/stock_ledger.hpp"

// Fakes of the interfaces that the dispatcher calls, with the little that its tests need.

namespace codasync::test {

/// The rows that a test adds; all other resources are empty.
struct FakeRows {
  std::map<std::int64_t, Shop> shops;
  std::map<storage::TokenHash, storage::Token> tokens;
  std::map<std::int64_t, storage::ReadingKey> reading_keys;
  std::map<std::int64_t, Reading> readings;
  std::function<void()> before_each{[] {}};  // may throw
  int queries{0};
};

class FakeReader : public storage::Reader {
 public:
  explicit FakeReader(FakeRows& rows) : rows_{rows} {}

  storage::Page<Shop> shops(const storage::ShopFilter&, std::size_t) override {
    count();
    storage::Page<Shop> page;
    for (const auto& [id, shop] : rows_.shops) page.rows.push_back(shop);
    return page;
  }
  std::optional<std::int64_t> count_shops() override { return none<std::int64_t>(); }
  std::optional<std::int64_t> count_products(const storage::ProductFilter&) override {
    return none<std::int64_t>();
  }
  std::optional<std::int64_t> count_groups(storage::ProductGroupKind) override {
    return none<std::int64_t>();
  }
  std::optional<std::int64_t> count_readings(const storage::ReadingFilter&) override {
    return none<std::int64_t>();
  }
  std::optional<Product> product(Gtin) override { return none<Product>(); }
  storage::Page<Product> products(const storage::ProductFilter&, std::size_t) override {
    return count(), storage::Page<Product>{};
  }
  storage::Page<storage::ProductGroup> product_groups(storage::ProductGroupKind,
                                                      const std::optional<std::string>&,
                                                      std::size_t) override {
    return count(), storage::Page<storage::ProductGroup>{};
  }
  storage::ReadingPage readings(const storage::ReadingFilter&, std::size_t) override {
    return count(), storage::ReadingPage{};
  }
  std::optional<storage::ShopThresholds> thresholds(ShopId) override {
    return none<storage::ShopThresholds>();
  }
  std::optional<storage::WorkPage> work_list(const storage::WorkFilter&, std::size_t) override {
    return none<storage::WorkPage>();
  }
  Outcome<storage::Overview, storage::OverviewRefusal> overview(
      const storage::OverviewFilter&) override {
    return count(), storage::OverviewRefusal::unknown_shop;
  }
  std::optional<Instant> day_ends_at(ShopId) override { return none<Instant>(); }
  storage::Rows rows(const storage::RowKeys& keys) override {
    count();
    storage::Rows found;
    for (const auto id : keys.shops) {
      const auto shop = rows_.shops.find(id.value());
      if (shop != rows_.shops.end()) found.shops.emplace(id, shop->second);
    }
    for (const auto& [id, reading] : rows_.readings) {
      const storage::ReadingKey key{reading.shop, reading.gtin};
      const bool wanted =
          std::find(keys.readings.begin(), keys.readings.end(), key) != keys.readings.end();
      if (!wanted) continue;
      found.readings.emplace(key, reading);
      found.products.emplace(key.gtin, Product{key.gtin, reading.name, {}, {}, 1, {}});
    }
    return found;
  }
  std::map<ReadingId, storage::ReadingKey> reading_keys(
      const std::vector<ReadingId>& ids) override {
    count();
    std::map<ReadingId, storage::ReadingKey> found;
    for (const auto id : ids) {
      const auto key = rows_.reading_keys.find(id.value());
      if (key != rows_.reading_keys.end()) found.emplace(id, key->second);
    }
    return found;
  }
  storage::HistoryPage history(ReadingId, const std::optional<storage::HistoryCursor>&,
                               std::size_t) override {
    return count(), storage::HistoryPage{};
  }
  Outcome<storage::FeedPage, storage::FeedRefusal> changes(
      ShopId, const std::optional<storage::FeedCursor>&, std::size_t) override {
    return count(), storage::FeedRefusal::unknown_shop;
  }
  storage::FeedRound follow(const std::vector<storage::FeedCursor>&, std::size_t) override {
    return count(), storage::FeedRound{};
  }
  std::set<storage::TokenHash> valid_tokens(const std::vector<storage::TokenHash>&) override {
    return count(), std::set<storage::TokenHash>{};
  }
  Outcome<storage::Token, storage::TokenRefusal> token(const storage::TokenHash& hash) override {
    const auto found = find(rows_.tokens, hash);
    if (!found) return storage::TokenRefusal{storage::TokenRefusal::unknown};
    return *found;
  }
  std::vector<storage::ExpiredCount> expired_by_shop(std::size_t) override {
    return count(), std::vector<storage::ExpiredCount>{};
  }
  storage::Page<storage::AuditEntry> audit(const storage::AuditFilter&, std::size_t) override {
    return count(), storage::Page<storage::AuditEntry>{};
  }
  storage::Page<storage::ImportRecord> imports(const std::optional<Uuid>&, std::size_t) override {
    return count(), storage::Page<storage::ImportRecord>{};
  }
  std::optional<storage::ImportRecord> import(const Uuid&) override {
    return none<storage::ImportRecord>();
  }
  storage::Page<storage::Token> tokens(std::optional<TokenId>, std::size_t) override {
    return count(), storage::Page<storage::Token>{};
  }
  std::int64_t events_added() override { return count(), 0; }
  bool has_time_zone(const std::string& name) override { return count(), name == "UTC"; }

 private:
  void count() {
    ++rows_.queries;
    rows_.before_each();
  }
  template <class T>
  std::optional<T> none() {
    count();
    return std::nullopt;
  }
  template <class Map, class Key>
  std::optional<typename Map::mapped_type> find(const Map& map, const Key& key) {
    count();
    const auto found = map.find(key);
    return found == map.end() ? std::nullopt : std::optional{found->second};
  }
  FakeRows& rows_;
};

class FakeDatabase : public storage::Database {
 public:
  explicit FakeDatabase(FakeRows& rows) : rows_{rows} {}
  std::unique_ptr<storage::Reader> read() override { return std::make_unique<FakeReader>(rows_); }
  std::unique_ptr<storage::Fill> try_fill_each(std::span<const storage::Lock>) override {
    return nullptr;
  }
  std::unique_ptr<storage::Fill> try_fill(std::span<const storage::Lock>) override {
    return nullptr;
  }
  std::chrono::microseconds device_offset(const Uuid&, Instant) override {
    return std::chrono::microseconds{0};
  }
  std::chrono::microseconds ping() override {
    rows_.before_each();
    return {};
  }

 private:
  FakeRows& rows_;
};

/// Gets a response; of a stream its head.
class FakeSink : public api::Reply::Sink {
 public:
  api::ResponseStream stream(api::Response head) override {
    send(std::move(head));
    return api::ResponseStream{nullptr};
  }
};

/// Contains the entries that a test adds; lists are always read from the database.
class FakeCache : public cache::Cache {
 public:
  explicit FakeCache(storage::Database& database) : database_{database} {}
  std::map<std::string, std::string> entries;
  std::vector<storage::Lock> locks;  // of the last read_through() or row of read_page()
  int round_trips{0};

  std::vector<cache::Lookup> lookup(std::span<const cache::Key> keys) override {
    ++round_trips;
    std::vector<cache::Lookup> found;
    for (const auto& key : keys) {
      const auto entry = entries.find(key.text);
      found.push_back(entry == entries.end()
                          ? cache::Lookup{cache::LookupState::miss, {}}
                          : cache::Lookup{cache::LookupState::hit, entry->second});
    }
    return found;
  }
  cache::ReadPath read_through(const cache::Key& key, std::span<const storage::Lock> wanted,
                               cache::Source& source) override {
    locks.assign(wanted.begin(), wanted.end());
    const auto entry = entries.find(key.text);
    if (entry != entries.end() && source.decode(entry->second)) return cache::ReadPath::hit;
    source.produce(*database_.read());
    return cache::ReadPath::lock_busy;
  }
  cache::ReadPath read_list(const cache::Key&, std::span<const storage::Lock>, const std::string&,
                            cache::ListSource& source) override {
    source.produce();
    return cache::ReadPath::lock_busy;
  }
  cache::ReadPath read_page(std::span<const cache::PageRow> rows,
                            cache::PageSource& source) override {
    std::vector<std::size_t> missing;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      locks = rows[row].locks;
      const auto entry = entries.find(rows[row].key.text);
      if (entry == entries.end() || !source.decode(row, entry->second)) {
        missing.push_back(row);
      } else {
        source.ready({&row, 1});
      }
    }
    if (missing.empty()) return cache::ReadPath::hit;
    source.produce(*database_.read(), missing);
    source.ready(missing);
    return cache::ReadPath::lock_busy;
  }

 private:
  storage::Database& database_;
};

/// Returns: a reading with the id 5.
inline Reading reading() {
  return {{.id = ReadingId{5},
           .shop = ShopId{1},
           .gtin = Gtin::from_number(4006381333931),
           .date = {},
           .quantity = {},
           .version = 1,
           .observed_at = {},
           .updated_at = {},
           .checked_at = {},
           .counted_at = {},
           .expired = false},
          "Tea",
          1};
}

inline storage::Written written(Reading reading) {
  return {EventOutcome::applied, false, true, std::move(reading)};
}

/// Returns `result` for each operation.
class FakeLedger : public storage::StockLedger {
 public:
  storage::StockResult result{written(reading())};
  std::function<bool(const storage::StockOperation&)> exists{
      [](const storage::StockOperation&) { return true; }};  // false: the result is not_found
  std::vector<storage::StockResult> first;  // of the next operations, instead of `result`
  std::optional<storage::StockOperation> last;

  void submit(storage::StockOperation operation,
              std::function<void(storage::StockResult)> done) override {
    last = std::move(operation);
    if (!first.empty()) {
      const auto own = std::move(first.front());
      first.erase(first.begin());
      return done(own);
    }
    done(exists(*last) ? result : storage::Refused{storage::Refused::Why::not_found, {}});
  }
};

class FakeCatalogue : public storage::CatalogueStore {
 public:
  std::function<Result()> result{[] { return storage::StoredResponse{}; }};
  Result create_shop(const storage::ShopDraft&, const storage::WriteContext&,
                     const storage::ResponseEncoder<Shop>&) override {
    return result();
  }
  Result update_shop(ShopId, const storage::ShopDraft&, const storage::WriteContext&,
                     const storage::ResponseEncoder<Shop>&) override {
    return result();
  }
  Result delete_shop(ShopId, storage::ShopReadings, const storage::WriteContext&) override {
    return result();
  }
  Result put_thresholds(ShopId, const storage::ShopThresholds&, const storage::WriteContext&,
                        const storage::ResponseEncoder<storage::ShopThresholds>&) override {
    return result();
  }
  Result create_product(Gtin, const storage::ProductDraft&, const storage::WriteContext&,
                        const storage::ResponseEncoder<Product>&) override {
    return result();
  }
  Result put_product(Gtin, const storage::ProductDraft&, const storage::WriteContext&,
                     const storage::ResponseEncoder<Product>&) override {
    return result();
  }
  Result update_product(Gtin, const storage::ProductDraft&, const storage::WriteContext&,
                        const storage::ResponseEncoder<Product>&) override {
    return result();
  }
  Result delete_product(Gtin, const storage::WriteContext&) override { return result(); }
  ImportCounts import_products(const std::vector<ImportedProduct>&,
                               const storage::Token&) override {
    return {};
  }
  std::vector<ProductDifference> compare_products(const std::vector<ImportedProduct>&) override {
    return {};
  }
  UndoCounts undo_import(const Uuid&, const std::vector<Gtin>&, const storage::Token&) override {
    return {};
  }
};

class FakeExports : public storage::Exports {
 public:
  std::unique_ptr<storage::Export> begin(storage::ExportKind,
                                         const storage::ExportFilter&) override {
    return nullptr;
  }
};

class FakeSessions : public storage::Sessions {
 public:
  std::map<storage::SessionHash, storage::Token> in_force;

  std::optional<storage::Session> start(const storage::TokenHash&, const storage::SessionHash&,
                                        const std::optional<storage::SessionHash>&) override {
    return std::nullopt;
  }
  std::optional<storage::Session> find(const storage::SessionHash& hash) override {
    const auto found = in_force.find(hash);
    if (found == in_force.end()) return std::nullopt;
    return storage::Session{found->second, {}};
  }
  void end(const storage::SessionHash& hash) override { in_force.erase(hash); }
};

class FakeTokens : public storage::TokenStore {
 public:
  Result create(const Draft& draft, const storage::TokenHash&, const storage::WriteContext&,
                const storage::ResponseEncoder<storage::Token>& response) override {
    return storage::StoredResponse{
        response({TokenId{9}, draft.name, draft.role, draft.shops, {}, draft.expires_at}, true)};
  }
  Result revoke(TokenId id, const storage::WriteContext&) override {
    if (id == TokenId{9}) return storage::StoredResponse{};
    return storage::CatalogueRefusal{storage::CatalogueRefusal::not_found};
  }
  void note_uses(const std::vector<TokenId>&) override {}
};

}  // namespace codasync::test
