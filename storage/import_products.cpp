#include "storage/import_products.hpp"

#include <cassert>
#include <unordered_set>

#include "storage/postgres/arrays.hpp"
#include "storage/postgres/product_changes.hpp"
#include "storage/reader.hpp"

namespace codasync::storage {
namespace {

using postgres::array_of;
using postgres::quoted;
using postgres::WriteTransaction;
using Products = std::vector<CatalogueStore::ImportedProduct>;

/// The columns as array literals, for unnest().
struct Columns {
  explicit Columns(const Products& products)
      : gtins{array_of(products, [](const auto& p) { return std::to_string(p.gtin.number()); })},
        names{array_of(products, [](const auto& p) { return quoted(std::string_view{p.name}); })},
        brands{array_of(products, [](const auto& p) { return quoted(p.brand); })},
        categories{array_of(products, [](const auto& p) { return quoted(p.category); })} {}
  std::string gtins, names, brands, categories;
};

// The rows that are there. Named by their numbers, because a plain join reads the whole table.
const std::string kExisting =
    " left join (select * from products where gtin = any($1::bigint[])) p using (gtin) ";

const std::string kIncoming =
    " unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) as n (gtin, name, brand, category)" +
    kExisting;

// What is not in the file stays, so a null changes nothing.
const std::string kDiffers =
    " p.removed_at is not null or p.name <> n.name"
    " or p.brand is distinct from coalesce(n.brand, p.brand)"
    " or p.category is distinct from coalesce(n.category, p.category) ";

/// Returns: those that would change something. Most of a supplier's list is as it was the week
/// before.
Products that_differ(postgres::Connection& connection, const Products& products) {
  const Columns columns{products};
  std::unordered_set<std::int64_t> gtins;
  for (const pqxx::row& row :
       connection.exec_params("select gtin from" + kIncoming + "where p.gtin is null or" + kDiffers,
                              columns.gtins, columns.names, columns.brands, columns.categories)) {
    gtins.insert(row[0].as<std::int64_t>());
  }
  Products different;
  for (const auto& product : products) {
    if (gtins.contains(product.gtin.number())) different.push_back(product);
  }
  return different;
}

/// Writes what still differs under the locks. Returns: rows of GTIN and whether the product is new,
/// or back.
pqxx::result save(WriteTransaction& transaction, const Products& products) {
  const Columns columns{products};
  return transaction.exec_params(
      "with saved as ("
      " insert into products as p (gtin, name, brand, category)"
      " select n.gtin, n.name, coalesce(n.brand, p.brand), coalesce(n.category, p.category) from" +
          kIncoming + "where p.gtin is null or" + kDiffers +
          " on conflict (gtin) do update set name = excluded.name, brand = excluded.brand,"
          " category = excluded.category, version = p.version + 1,"
          " updated_at = clock_timestamp(), removed_at = null returning gtin)"
          " select gtin, p.gtin is null or p.removed_at is not null"
          " from saved" +
          kExisting,
      columns.gtins, columns.names, columns.brands, columns.categories);
}

}  // namespace

CatalogueStore::ImportCounts import_products(CatalogueWriter& writer, const Products& products) {
  assert(products.size() <= kPageMax);
  const Products different = that_differ(*writer.connection(), products);
  CatalogueStore::ImportCounts counts;
  if (!different.empty()) {
    std::vector<Lock> locks{{catalogue_lock(), LockMode::shared}};
    for (const auto& product : different) {
      locks.push_back({product_lock(product.gtin), LockMode::exclusive});
    }
    writer.write(locks, [&](WriteTransaction& transaction) {
      counts = {};
      std::vector<Gtin> gtins;
      for (const pqxx::row& row : save(transaction, different)) {
        gtins.push_back(Gtin::from_number(row[0].as<std::int64_t>()));
        ++(row[1].as<bool>() ? counts.created : counts.changed);
      }
      Changes changes = postgres::changes_of_products(transaction, gtins);
      transaction.lock(postgres::shop_locks(changes));
      return changes;
    });
  }
  counts.unchanged = products.size() - counts.created - counts.changed;
  return counts;
}

}  // namespace codasync::storage
