#include <algorithm>
#include <cassert>
#include <future>
#include <string>
#include <utility>

#include "storage/catalogue/catalogue_writer.hpp"
#include "storage/catalogue/import_products.hpp"
#include "storage/catalogue/undo_import.hpp"
#include "storage/make_storage.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/postgres/product_changes.hpp"
#include "storage/postgres/product_writes.hpp"
#include "storage/postgres/shop_writes.hpp"
#include "storage/postgres/work_list.hpp"

namespace codasync::storage {
namespace {

using postgres::WriteTransaction;
using Decision = CatalogueWriter::Decision;
using postgres::ProductColumns;
using Why = CatalogueRefusal::Why;

constexpr std::size_t kConnectionsMax = 2;
constexpr std::int64_t kCascadePage = 500;  // removals that are submitted together
constexpr std::size_t kCascadePagesMax = 2000;

CatalogueRefusal refuse(Why why) { return {why}; }
CatalogueRefusal changed_since(std::int64_t version) { return {Why::precondition_failed, version}; }

bool accepts(const WriteContext& context, std::int64_t version) {
  if (!context.if_match || context.if_match->empty()) return true;
  return std::find(context.if_match->begin(), context.if_match->end(), version) !=
         context.if_match->end();
}

Changes changes_of_shop(ShopId id) { return {.shops = {id}, .all_shops = true}; }

/// A page of a shop's products is not found without the shop.
Changes changes_of_deleted_shop(ShopId id) {
  return {.shops = {id}, .shop_lists = {id}, .all_shops = true};
}

/// Returns: everything that shows the shop's time zone: all its readings are expired or not by its
/// clock. Requires: its lock is held exclusively, so that no reading comes in meanwhile.
Changes changes_of_time_zone(WriteTransaction& transaction, ShopId id) {
  Changes changes = changes_of_shop(id);
  changes.shop_lists = {id};
  for (const pqxx::row& row : transaction.exec_params(
           "select id, gtin from stock_readings where shop_id = $1 and present", id.value())) {
    changes.readings.push_back(
        {ReadingId{row[0].as<std::int64_t>()}, id, Gtin::from_number(row[1].as<std::int64_t>())});
  }
  return changes;
}

std::optional<Shop> lock_shop(WriteTransaction& transaction, ShopId id) {
  const pqxx::result rows =
      transaction.exec_params("select " + postgres::kShopColumns +
                                  " from shops s where id = $1 and removed_at is null for update",
                              id.value());
  return rows.empty() ? std::nullopt : std::optional{postgres::shop_of(rows[0])};
}

struct ProductRow {
  Product product;
  bool removed;
};

/// Returns: the row, also of a removed product. Requires: the product's lock is held exclusively.
std::optional<ProductRow> find_product(WriteTransaction& transaction, Gtin gtin) {
  const pqxx::result rows =
      transaction.exec_params("select " + postgres::kProductColumns +
                                  ", removed_at is not null from products p where gtin = $1",
                              gtin.number());
  if (rows.empty()) return std::nullopt;
  return ProductRow{postgres::product_of(rows[0]), rows[0].back().as<bool>()};
}

/// Takes the locks of the shops that have the product. Returns: everything that shows it.
Changes changes_under_shop_locks(WriteTransaction& transaction, Gtin gtin) {
  Changes changes = postgres::changes_of_product(transaction, gtin);
  transaction.lock(postgres::shop_locks(changes));
  return changes;
}

class PostgresCatalogueStore final : public CatalogueStore {
 public:
  PostgresCatalogueStore(const PostgresOptions& options, Invalidation& invalidation,
                         StockLedger& ledger, PoolObserver& observer)
      : writer_{PoolName::catalogue, options, kConnectionsMax, invalidation, observer},
        ledger_{ledger} {}

  Result create_shop(const ShopDraft& draft, const WriteContext& context,
                     const ResponseEncoder<Shop>& encode) override {
    assert(draft.name);
    return refuse_taken_name([&] {
      return writer_.write(
          {shared(shops_lock())}, context, [&](WriteTransaction& transaction) -> Decision {
            if (context.if_match) return refuse(Why::precondition_failed);
            const Shop shop = postgres::create_shop(
                transaction, {*draft.name, draft.time_zone.value_or("UTC")}, context.actor);
            transaction.lock({exclusive(shop_lock(shop.id))});
            return CatalogueEffect{encode(shop, true), changes_of_shop(shop.id)};
          });
    });
  }

  Result update_shop(ShopId id, const ShopDraft& draft, const WriteContext& context,
                     const ResponseEncoder<Shop>& encode) override {
    auto locks = locks_of(id);
    if (draft.time_zone) locks.push_back(exclusive(time_zones_lock()));
    return refuse_taken_name([&] {
      return writer_.write(locks, context, [&](WriteTransaction& transaction) -> Decision {
        std::optional<Shop> shop = lock_shop(transaction, id);
        if (!shop) return refuse(Why::not_found);
        if (!accepts(context, shop->version)) return changed_since(shop->version);
        const std::string name = draft.name.value_or(shop->name);
        const std::string time_zone = draft.time_zone.value_or(shop->time_zone);
        if (name == shop->name && time_zone == shop->time_zone) {
          return CatalogueEffect{encode(*shop, false)};
        }
        const bool moves = time_zone != shop->time_zone;
        *shop = postgres::change_shop(transaction, id, {name, time_zone}, context.actor);
        return CatalogueEffect{encode(*shop, false),
                               moves ? changes_of_time_zone(transaction, id) : changes_of_shop(id)};
      });
    });
  }

  Result delete_shop(ShopId id, ShopReadings readings, const WriteContext& context) override {
    Result result = delete_empty_shop(id, context);
    try {
      for (std::size_t page = 0;
           readings == ShopReadings::remove && has_readings(result) && page < kCascadePagesMax;
           ++page) {
        if (!remove_readings(id, context.actor)) return refuse(Why::token_revoked);
        result = delete_empty_shop(id, context);
      }
    } catch (const Unavailable& failure) {
      throw InDoubt{std::string{"some of its readings may be removed: "} + failure.what()};
    }
    return result;
  }

  // No cache entry shows thresholds or a work list.
  Result put_thresholds(ShopId id, const ShopThresholds& thresholds, const WriteContext& context,
                        const ResponseEncoder<ShopThresholds>& encode) override {
    return writer_.write(locks_of(id), context, [&](WriteTransaction& transaction) -> Decision {
      const auto shop = postgres::shop_today(transaction.connection(), id);
      if (!shop) return refuse(Why::not_found);
      const auto& old = shop->thresholds;
      if (!accepts(context, old.version)) return changed_since(old.version);
      if (thresholds.says_the_same(old)) return CatalogueEffect{encode(old, false)};
      auto changed = thresholds;
      changed.version = postgres::change_thresholds(transaction, id, thresholds, context.actor);
      return CatalogueEffect{encode(changed, false)};
    });
  }

  Result create_product(Gtin gtin, const ProductDraft& draft, const WriteContext& context,
                        const ResponseEncoder<Product>& encode) override {
    return write_product(
        gtin, context, [&](WriteTransaction& transaction, const auto& row) -> Decision {
          if (context.if_match) return refuse(Why::precondition_failed);
          if (row && !row->removed) return refuse(Why::already_exists);
          return save(transaction, gtin, replacement(draft), true, context, encode);
        });
  }

  Result put_product(Gtin gtin, const ProductDraft& draft, const WriteContext& context,
                     const ResponseEncoder<Product>& encode) override {
    return write_product(
        gtin, context, [&](WriteTransaction& transaction, const auto& row) -> Decision {
          if (row && !row->removed) {
            return change(transaction, row->product, replacement(draft), context, encode);
          }
          if (context.if_match) return refuse(Why::precondition_failed);
          return save(transaction, gtin, replacement(draft), true, context, encode);
        });
  }

  Result update_product(Gtin gtin, const ProductDraft& draft, const WriteContext& context,
                        const ResponseEncoder<Product>& encode) override {
    return write_product(
        gtin, context, [&](WriteTransaction& transaction, const auto& row) -> Decision {
          if (!row || row->removed) return refuse(Why::not_found);
          const Product& product = row->product;
          return change(transaction, product,
                        {draft.name.value_or(product.name), draft.brand.value_or(product.brand),
                         draft.category.value_or(product.category)},
                        context, encode);
        });
  }

  Result delete_product(Gtin gtin, const WriteContext& context) override {
    return write_product(
        gtin, context, [&](WriteTransaction& transaction, const auto& row) -> Decision {
          if (!row || row->removed) return refuse(Why::not_found);
          if (!accepts(context, row->product.version)) return changed_since(row->product.version);
          const bool on_a_shelf =
              !transaction
                   .exec_params("select from stock_readings where gtin = $1 and present limit 1",
                                gtin.number())
                   .empty();
          if (on_a_shelf) return refuse(Why::has_readings);
          postgres::remove_product(transaction, gtin, context.actor);
          return CatalogueEffect{{}, changes_under_shop_locks(transaction, gtin)};
        });
  }

  ImportCounts import_products(const std::vector<ImportedProduct>& products,
                               const Token& actor) override {
    return storage::import_products(writer_, products, actor);
  }

  std::vector<ProductDifference> compare_products(
      const std::vector<ImportedProduct>& products) override {
    return storage::compare_products(*writer_.connection(), products);
  }

  UndoCounts undo_import(const Uuid& import, const std::vector<Gtin>& products,
                         const Token& actor) override {
    return storage::undo_import(writer_, import, products, actor);
  }

 private:
  static bool has_readings(const Result& result) {
    return !result && result.error() == Why::has_readings;
  }

  static std::vector<Lock> locks_of(ShopId id) {
    return {shared(shops_lock()), exclusive(shop_lock(id))};
  }

  template <class Write>
  static Result refuse_taken_name(Write&& write) {
    try {
      return write();
    } catch (const postgres::UniqueViolation&) {
      return refuse(Why::name_taken);  // the only unique value in a draft
    }
  }

  Result delete_empty_shop(ShopId id, const WriteContext& context) {
    return writer_.write(locks_of(id), context, [&](WriteTransaction& transaction) -> Decision {
      const std::optional<Shop> shop = lock_shop(transaction, id);
      if (!shop) return refuse(Why::not_found);
      if (!accepts(context, shop->version)) return changed_since(shop->version);
      const bool full =
          !transaction
               .exec_params("select from stock_readings where shop_id = $1 and present limit 1",
                            id.value())
               .empty();
      if (full) return refuse(Why::has_readings);
      postgres::remove_shop(transaction, id, context.actor);
      return CatalogueEffect{{}, changes_of_deleted_shop(id)};
    });
  }

  /// Removes a page of the shop's readings through the ledger, like any other write. Returns:
  /// whether the token was still valid. Throws: Unavailable.
  bool remove_readings(ShopId shop, const Token& actor) {
    const pqxx::result rows = writer_.connection()->exec_params(
        "select gtin from stock_readings where shop_id = $1 and present order by gtin limit $2",
        shop.value(), kCascadePage);
    std::vector<std::future<StockResult>> results;
    for (const pqxx::row& row : rows) {
      auto done = std::make_shared<std::promise<StockResult>>();
      results.push_back(done->get_future());
      ledger_.submit({.shop = shop,
                      .gtin = Gtin::from_number(row[0].as<std::int64_t>()),
                      .kind = EventKind::remove,
                      .reason = "the shop was deleted",
                      .actor = actor},
                     [done](StockResult result) { done->set_value(std::move(result)); });
    }
    bool token_valid = true;
    std::optional<Failed> failure;
    for (auto& waiting : results) {
      const StockResult result = waiting.get();
      if (const auto* failed = std::get_if<Failed>(&result)) failure = *failed;
      if (const auto* refused = std::get_if<Refused>(&result)) {
        token_valid = token_valid && refused->why != Refused::Why::token_revoked;
      }
    }
    // Also for InDoubt: repeating the call completes the removal.
    if (failure) throw Unavailable{failure->dependency, failure->log_detail};
    return token_valid;
  }

  static ProductColumns replacement(const ProductDraft& draft) {
    assert(draft.name);
    return {*draft.name, draft.brand.value_or(std::nullopt), draft.category.value_or(std::nullopt)};
  }

  template <class Decide>
  Result write_product(Gtin gtin, const WriteContext& context, const Decide& decide) {
    return writer_.write({shared(catalogue_lock()), exclusive(product_lock(gtin))}, context,
                         [&](WriteTransaction& transaction) {
                           return decide(transaction, find_product(transaction, gtin));
                         });
  }

  static Decision save(WriteTransaction& transaction, Gtin gtin, const ProductColumns& fields,
                       bool created, const WriteContext& context,
                       const ResponseEncoder<Product>& encode) {
    const Product product = postgres::save_product(transaction, gtin, fields,
                                                   postgres::OtherFields::replaced, context.actor);
    return CatalogueEffect{encode(product, created), changes_under_shop_locks(transaction, gtin)};
  }

  static Decision change(WriteTransaction& transaction, const Product& product,
                         const ProductColumns& fields, const WriteContext& context,
                         const ResponseEncoder<Product>& encode) {
    if (!accepts(context, product.version)) return changed_since(product.version);
    if (fields.name == product.name && fields.brand == product.brand &&
        fields.category == product.category) {
      return CatalogueEffect{encode(product, false)};
    }
    return save(transaction, product.gtin, fields, false, context, encode);
  }

  CatalogueWriter writer_;
  StockLedger& ledger_;
};

}  // namespace

std::unique_ptr<CatalogueStore> make_catalogue_store(const PostgresOptions& options,
                                                     Invalidation& invalidation,
                                                     StockLedger& ledger, PoolObserver& observer) {
  return std::make_unique<PostgresCatalogueStore>(options, invalidation, ledger, observer);
}

}  // namespace codasync::storage
