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

namespace codasync::storage {

/// Why the catalogue did not change.
struct CatalogueRefusal {
  enum Why {
    not_found,
    name_taken,           // another shop has this name
    already_exists,       // a product with this GTIN
    has_readings,         // and nobody asked to cascade
    unknown_shop,         // a token is for a shop that does not exist
    precondition_failed,  // If-Match names another version
    key_reused,           // the idempotency key stands for another request
    token_revoked,
  };
  Why why;
  std::optional<std::int64_t> version{};  // the current one, where If-Match names another

  friend bool operator==(const CatalogueRefusal& refusal, Why why) { return refusal.why == why; }
};

/// Who writes, and under which conditions.
struct WriteContext {
  Token actor;
  std::optional<std::vector<std::int64_t>>
      if_match;  // versions that are accepted; an empty list: any existing row
  std::optional<IdempotencyKey> idempotency_key;
};

struct ShopDraft {
  std::optional<std::string> name;       // nothing: unchanged
  std::optional<std::string> time_zone;  // nothing: unchanged, or UTC
};

/// A change of a product. A field that is nothing stays; to clear brand or category, give it an
/// inner nothing.
struct ProductDraft {
  std::optional<std::string> name;
  std::optional<std::optional<std::string>> brand;
  std::optional<std::optional<std::string>> category;
};

/// Writes down what the client is told of a row. Pure; runs inside the transaction.
template <class Row>
using Answerer = std::function<std::string(const Row&, bool created)>;

/// The locked writes of the rarely changing tables. Each is one transaction that locks the row,
/// decides, forgets what the cache shows of it, and commits. A lost connection at COMMIT is
/// resolved before the call returns. Throws: Unavailable; nothing was changed then. InDoubt when
/// even the second look failed. Threads: safe concurrently; every call blocks.
class CatalogueStore {
 public:
  virtual ~CatalogueStore() = default;

  /// What the answerer wrote; of a deletion: an empty text.
  using Result = Outcome<KeptText, CatalogueRefusal>;

  virtual Result create_shop(const ShopDraft& draft, const WriteContext& context,
                             const Answerer<Shop>& answer) = 0;
  virtual Result update_shop(ShopId id, const ShopDraft& draft, const WriteContext& context,
                             const Answerer<Shop>& answer) = 0;
  /// With `cascade` its readings are removed first, in transactions of their own. A refusal may
  /// come after some of them; InDoubt may too: repeat the call to finish.
  virtual Result delete_shop(ShopId id, bool cascade, const WriteContext& context) = 0;

  virtual Result create_product(Gtin gtin, const ProductDraft& draft, const WriteContext& context,
                                const Answerer<Product>& answer) = 0;
  /// Creates or replaces: what the draft does not say becomes null.
  virtual Result put_product(Gtin gtin, const ProductDraft& draft, const WriteContext& context,
                             const Answerer<Product>& answer) = 0;
  virtual Result update_product(Gtin gtin, const ProductDraft& draft, const WriteContext& context,
                                const Answerer<Product>& answer) = 0;
  virtual Result delete_product(Gtin gtin, const WriteContext& context) = 0;

  /// Creates or replaces many products in one transaction; a field that is nothing stays as it is.
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
  };
  /// Requires: at most kPageMax rows, no GTIN twice.
  virtual ImportCounts import_products(const std::vector<ImportedProduct>& products,
                                       const Token& actor) = 0;
};

/// Access tokens. Writes like those of the catalogue: see there for what is thrown.
/// Threads: safe concurrently; every call blocks.
class TokenStore {
 public:
  virtual ~TokenStore() = default;

  using Result = CatalogueStore::Result;

  struct Draft {
    std::string name;
    Role role;
    std::vector<ShopId> shops;
    std::optional<Instant> expires_at;
  };
  /// Refuses: unknown_shop. The answer is kept under the idempotency key: it must not contain the
  /// secret.
  virtual Result create(const Draft& draft, const TokenHash& hash, const WriteContext& context,
                        const Answerer<Token>& answer) = 0;
  /// From the moment of the answer on no instance accepts it. Refuses: not_found.
  virtual Result revoke(TokenId id, const WriteContext& context) = 0;

  /// The same by the operator of the machine.
  /// Returns: the token, or nothing when one of its shops does not exist.
  std::optional<Token> create(const Draft& draft, const TokenHash& hash);
  /// Returns: whether it existed.
  bool revoke(TokenId id);
};

}  // namespace codasync::storage
