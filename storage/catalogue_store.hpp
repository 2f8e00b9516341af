#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "storage/idempotency.hpp"
#include "storage/model/catalogue.hpp"
#include "storage/stock_ledger.hpp"
#include "storage/token.hpp"
#include "storage/work_list.hpp"

namespace codasync::storage {

/// Why the catalogue did not change.
struct CatalogueRefusal {
  enum Why {
    not_found,
    name_taken,           // another shop has this name
    already_exists,       // a product with this GTIN
    has_readings,         // the shop or product has present readings
    unknown_shop,         // a token is for shops that do not exist
    not_permitted,        // only an admin, or the owner of the tables, can make a token
    precondition_failed,  // If-Match has another version
    key_reused,           // the idempotency key belongs to another request
    token_revoked,
  };
  Why why;
  std::optional<std::int64_t> version{};  // the current one, where If-Match has another
  std::vector<ShopId> shops{};            // with unknown_shop: those that do not exist

  friend bool operator==(const CatalogueRefusal& left, Why right) { return left.why == right; }
};

/// The writer and the conditions of a write.
struct WriteContext {
  Token actor;
  /// Accepted versions; an empty list: any existing row.
  std::optional<std::vector<std::int64_t>> if_match;
  std::optional<IdempotencyKey> idempotency_key;
  std::optional<TokenHash> proof{};  // of the actor's secret; to create a token
};

struct ShopDraft {
  std::optional<std::string> name;       // nullopt: unchanged
  std::optional<std::string> time_zone;  // nullopt: unchanged, or UTC for a new shop
};

/// A change of a product. A field that is nullopt is not changed; an inner nullopt clears brand or
/// category.
struct ProductDraft {
  std::optional<std::string> name;
  std::optional<std::optional<std::string>> brand;
  std::optional<std::optional<std::string>> category;
};

/// What delete_shop() does with present readings of the shop.
enum class ShopReadings { refuse, remove };

/// Encodes the response for a row. Pure: it runs inside the transaction.
template <class Row>
using ResponseEncoder = std::function<std::string(const Row&, bool created)>;

/// The locked writes of the tables that rarely change. Each write is one transaction: it locks the
/// row, decides, deletes the cache entries that show the row, and commits. If the connection is
/// lost at COMMIT, the store determines whether it committed before the call returns. Throws:
/// Unavailable: nothing was changed. InDoubt: the result of COMMIT could not be determined.
/// Threads: safe concurrently; every call blocks.
class CatalogueStore {
 public:
  virtual ~CatalogueStore() = default;

  /// The encoded response; empty for a deletion.
  using Result = Outcome<StoredResponse, CatalogueRefusal>;

  // What is changed or deleted has to exist: not_found.

  virtual Result create_shop(const ShopDraft& draft, const WriteContext& context,
                             const ResponseEncoder<Shop>& encode) = 0;
  virtual Result update_shop(ShopId id, const ShopDraft& draft, const WriteContext& context,
                             const ResponseEncoder<Shop>& encode) = 0;
  /// `readings`: with `remove`, the shop's readings are removed first, in transactions of their
  /// own. A refusal or InDoubt can follow after some readings were removed: repeat the call to
  /// finish.
  virtual Result delete_shop(ShopId id, ShopReadings readings, const WriteContext& context) = 0;

  /// Replaces the thresholds of a shop; their version is not read.
  virtual Result put_thresholds(ShopId id, const ShopThresholds& thresholds,
                                const WriteContext& context,
                                const ResponseEncoder<ShopThresholds>& encode) = 0;

  virtual Result create_product(Gtin gtin, const ProductDraft& draft, const WriteContext& context,
                                const ResponseEncoder<Product>& encode) = 0;
  /// Creates or replaces: a field that the draft does not have becomes null.
  virtual Result put_product(Gtin gtin, const ProductDraft& draft, const WriteContext& context,
                             const ResponseEncoder<Product>& encode) = 0;
  virtual Result update_product(Gtin gtin, const ProductDraft& draft, const WriteContext& context,
                                const ResponseEncoder<Product>& encode) = 0;
  virtual Result delete_product(Gtin gtin, const WriteContext& context) = 0;

  /// One row of an import; a field that is nullopt is not changed, an empty one is cleared.
  struct ImportedProduct {
    Gtin gtin;
    std::string name;
    std::optional<std::string> brand;
    std::optional<std::string> category;
  };
  struct ImportCounts {
    std::size_t created{0};
    std::size_t changed{0};
    std::size_t unchanged{0};
    bool token_revoked{false};  // of the actor; further rows were not written
  };
  /// Requires: at most kPageMax rows, no GTIN twice.
  virtual ImportCounts import_products(const std::vector<ImportedProduct>& products,
                                       const Token& actor) = 0;

  /// What import_products() would do with a row.
  struct ProductDifference {
    Gtin gtin;
    std::optional<ImportedProduct> before;  // nullopt: the product would be created
    ImportedProduct after;
  };
  /// Returns: the rows that differ from the stored products, in their order. Changes nothing.
  /// Requires: as import_products().
  virtual std::vector<ProductDifference> compare_products(
      const std::vector<ImportedProduct>& products) = 0;

  struct UndoCounts {
    std::size_t restored{0};       // have their values of before the import
    std::size_t removed{0};        // were created by the import
    std::size_t changed_since{0};  // stay: a later change decides what they are
    std::size_t in_use{0};         // stay, although the import created them: a shop has a reading
    bool token_revoked{false};     // of the actor; the rest was not taken back

    UndoCounts& operator+=(const UndoCounts& other);
  };
  /// Takes back what an import (storage/import_trail.hpp) did to these products. A product becomes
  /// what the newest change says that is neither of this import nor of another one that was taken
  /// back; so the order in which imports are taken back does not matter. A product that the import
  /// only recorded in shops is removed if it was created by another one that was taken back.
  /// Requires: at most kPageMax products, each of them once.
  virtual UndoCounts undo_import(const Uuid& import, const std::vector<Gtin>& products,
                                 const Token& actor) = 0;
};

/// Access tokens. Writes like those of the catalogue, with the same exceptions.
/// Threads: safe concurrently; every call blocks.
class TokenStore {
 public:
  virtual ~TokenStore() = default;

  using Result = CatalogueStore::Result;

  struct Draft {
    std::string name;
    Role role;
    std::vector<ShopId> shops;  // of an admin: none
    std::optional<Instant> expires_at;
    std::optional<std::string> person{};
  };
  /// Requires: the context has the proof. Refuses: unknown_shop. The response is stored under the
  /// idempotency key: it must not contain the secret.
  virtual Result create(const Draft& draft, const TokenHash& hash, const WriteContext& context,
                        const ResponseEncoder<Token>& encode) = 0;
  /// After the call returns, no process accepts the token. Refuses: not_found.
  virtual Result revoke(TokenId id, const WriteContext& context) = 0;

  /// Stores that these tokens were used in this hour. A process may call it late or not at all.
  virtual void note_uses(const std::vector<TokenId>& tokens) = 0;

  /// The same for the operator at the command line. The role of the service can only make the
  /// first token of an admin. Refuses: unknown_shop, not_permitted.
  Outcome<Token, CatalogueRefusal> create(const Draft& draft, const TokenHash& hash);
  /// Returns: whether it existed.
  bool revoke(TokenId id);
};

}  // namespace codasync::storage
