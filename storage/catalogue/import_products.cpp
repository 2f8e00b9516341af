#include "storage/catalogue/import_products.hpp"

#include <cassert>
#include <unordered_map>

#include "storage/postgres/arrays.hpp"
#include "storage/postgres/columns.hpp"
#include "storage/postgres/product_changes.hpp"
#include "storage/reader.hpp"

namespace codasync::storage {
namespace {

using postgres::array_of;
using postgres::quoted;
using postgres::WriteTransaction;
using Products = std::vector<CatalogueStore::ImportedProduct>;

constexpr std::size_t kRenamesMax = 100;  // in a transaction

/// The columns as array literals, for unnest().
struct Columns {
  explicit Columns(const Products& products)
      : gtins{array_of(products, [](const auto& p) { return std::to_string(p.gtin.number()); })},
        names{array_of(products, [](const auto& p) { return quoted(std::string_view{p.name}); })},
        brands{array_of(products, [](const auto& p) { return quoted(p.brand); })},
        categories{array_of(products, [](const auto& p) { return quoted(p.category); })} {}
  std::string gtins, names, brands, categories;
};

// The existing rows. Selected by number, because a plain join reads the whole table.
const std::string kExisting =
    " left join (select * from products where gtin = any($1::bigint[])) p using (gtin) ";

const std::string kIncoming =
    " unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) as n (gtin, name, brand, category)" +
    kExisting;

// A null changes nothing: the file does not have the value. An empty text clears. A product that
// the import brings back has only the values of the file.
const std::string kBrand =
    " nullif(coalesce(n.brand, case when p.removed_at is null then p.brand end), '') ";
const std::string kCategory =
    " nullif(coalesce(n.category, case when p.removed_at is null then p.category end), '') ";

const std::string kDiffers =
    " p.removed_at is not null or p.name <> n.name"
    " or p.brand is distinct from" +
    kBrand + "or p.category is distinct from" + kCategory;

/// A product of the list that differs from its row.
struct Difference {
  const CatalogueStore::ImportedProduct* product;
  bool renames;  // an existing product, so its readings show another name
};

/// Returns: the products that differ from their rows. Most of a supplier's list is unchanged since
/// the last import.
std::vector<Difference> that_differ(postgres::Connection& connection, const Products& products) {
  const Columns columns{products};
  std::unordered_map<std::int64_t, bool> renames;
  for (const pqxx::row& row : connection.exec_params(
           "select gtin, coalesce(p.removed_at is null and p.name <> n.name, false) from" +
               kIncoming + "where p.gtin is null or" + kDiffers,
           columns.gtins, columns.names, columns.brands, columns.categories)) {
    renames.emplace(row[0].as<std::int64_t>(), row[1].as<bool>());
  }
  std::vector<Difference> different;
  for (const auto& product : products) {
    const auto found = renames.find(product.gtin.number());
    if (found != renames.end()) different.push_back({&product, found->second});
  }
  return different;
}

/// Writes the products that still differ under the locks, with the audit and the change feed.
/// Returns: rows of GTIN and whether the product is new or present again.
pqxx::result save(WriteTransaction& transaction, const Products& products, const Token& actor) {
  static const std::string kStatement =
      "with old as (select * from products where gtin = any($1::bigint[])), saved as ("
      " insert into products as p (gtin, name, brand, category)"
      " select n.gtin, n.name," +
      kBrand + "," + kCategory + "from" + kIncoming + "where p.gtin is null or" + kDiffers +
      " on conflict (gtin) do update set name = excluded.name, brand = excluded.brand,"
      " category = excluded.category, version = p.version + 1,"
      " updated_at = clock_timestamp(), removed_at = null returning gtin, name, brand, category),"
      " compared as (select saved.*, old.gtin is null or old.removed_at is not null as created,"
      "  old.name as old_name, old.brand as old_brand, old.category as old_category"
      "  from saved left join old using (gtin)),"
      " fed as (insert into changes (shop_id, reading_id)"
      "  select r.shop_id, r.id from compared c join stock_readings r using (gtin)"
      "   where r.present and c.old_name <> c.name),"
      " logged as (insert into audit (token_id, actor, action, subject, subject_id, before, after)"
      "  select $5, $6, case when created then 'create' else 'change' end, 'product', gtin,"
      "   case when not created then audited_product(old_name, old_brand, old_category) end,"
      "   audited_product(name, brand, category) from compared)"
      " select gtin, created from compared";
  const Columns columns{products};
  return transaction.exec_params(kStatement, columns.gtins, columns.names, columns.brands,
                                 columns.categories, actor.id.value(), actor.name);
}

/// Returns: the products from `from` on for the next transaction, and advances `from`. It limits
/// the renames, because a reading in every shop can show a renamed product.
Products next_page(const std::vector<Difference>& different, std::size_t& from) {
  Products page;
  std::size_t renamed = 0;
  for (; from < different.size() && renamed < kRenamesMax; ++from) {
    page.push_back(*different[from].product);
    if (different[from].renames) ++renamed;
  }
  return page;
}

}  // namespace

CatalogueStore::ImportCounts import_products(CatalogueWriter& writer, const Products& products,
                                             const Token& actor) {
  assert(products.size() <= kPageMax);
  const auto different = that_differ(*writer.connection(), products);
  CatalogueStore::ImportCounts counts;
  for (std::size_t next = 0; next < different.size();) {
    const auto page = next_page(different, next);
    std::vector<Lock> locks{shared(catalogue_lock())};
    for (const auto& product : page) {
      locks.push_back(exclusive(product_lock(product.gtin)));
    }
    CatalogueStore::ImportCounts written;
    const bool valid = writer.write(locks, actor.id, [&](WriteTransaction& transaction) {
      written = {};
      std::vector<Gtin> gtins;
      for (const pqxx::row& row : save(transaction, page, actor)) {
        gtins.push_back(Gtin::from_number(row[0].as<std::int64_t>()));
        ++(row[1].as<bool>() ? written.created : written.changed);
      }
      Changes changes = postgres::changes_of_products(transaction, gtins);
      transaction.lock(postgres::shop_locks(changes));
      return changes;
    });
    if (!valid) {
      counts.token_revoked = true;
      return counts;
    }
    counts.created += written.created;
    counts.changed += written.changed;
  }
  counts.unchanged = products.size() - counts.created - counts.changed;
  return counts;
}

std::vector<CatalogueStore::ProductDifference> compare_products(postgres::Connection& connection,
                                                                const Products& products) {
  assert(products.size() <= kPageMax);
  const Columns columns{products};
  std::unordered_map<std::int64_t, std::optional<CatalogueStore::ImportedProduct>> stored;
  for (const pqxx::row& row : connection.exec_params(
           "select gtin, p.gtin is not null and p.removed_at is null, p.name, p.brand, p.category"
           " from" +
               kIncoming + "where p.gtin is null or" + kDiffers,
           columns.gtins, columns.names, columns.brands, columns.categories)) {
    const auto gtin = row[0].as<std::int64_t>();
    auto& before = stored[gtin];
    if (!row[1].as<bool>()) continue;
    before = CatalogueStore::ImportedProduct{Gtin::from_number(gtin), row[2].as<std::string>(),
                                             postgres::optional_text(row[3]),
                                             postgres::optional_text(row[4])};
  }
  std::vector<CatalogueStore::ProductDifference> differences;
  for (const auto& product : products) {
    const auto found = stored.find(product.gtin.number());
    if (found == stored.end()) continue;
    auto after = product;
    if (found->second) {
      if (!after.brand) after.brand = found->second->brand;
      if (!after.category) after.category = found->second->category;
    }
    if (after.brand == "") after.brand.reset();
    if (after.category == "") after.category.reset();
    differences.push_back({product.gtin, found->second, std::move(after)});
  }
  return differences;
}

}  // namespace codasync::storage
