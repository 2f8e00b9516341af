#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/postgres/write_transaction.hpp"
#include "tests/cache/cache_fixture.hpp"
#include "tests/cache/text_source.hpp"
#include "tests/support/sealed.hpp"

// The protocol of cache/README.md, with a real PostgreSQL and real Memcacheds. `produce` runs
// between the lease and the entry: what a test does there happens during a fill.

namespace codasync::cache {

using storage::Lock;
using storage::LockMode;
using test::fetch;
using test::Fetched;
using test::TextSource;

inline const Gtin kTea = Gtin::from_number(4006381333931);
inline const Key kEntry = product_response(kTea);
inline const std::vector kFillLocks{Lock{storage::product_lock(kTea), LockMode::shared}};
inline const std::vector kListLocks{Lock{storage::catalogue_lock(), LockMode::exclusive}};

class Protocol : public CacheTest {
 protected:
  void SetUp() override {
    database_.run("insert into products (gtin, name) values (4006381333931, 'old')");
  }

  static std::string name_of_tea(storage::Reader& reader) { return reader.product(kTea)->name; }

  /// Reads the product's name through the cache; `meanwhile` happens after it was read from the
  /// database and before it is stored.
  Fetched read(const std::function<void()>& meanwhile = [] {}) {
    return fetch(*cache_, kEntry, kFillLocks, TextSource{[&](storage::Reader& reader) {
      const auto name = name_of_tea(reader);
      meanwhile();
      return name;
    }});
  }
  Fetched list(
      const std::string& query = "all", const std::function<void()>& meanwhile = [] {}) {
    return list_of(query, [&] {
      const auto name = name_of_tea(*storage_->read());
      meanwhile();
      return name;
    });
  }
  Fetched list_of(const std::string& query, std::function<std::string()> make,
                  std::optional<Instant> changes_at = std::nullopt) {
    test::TextListSource source{std::move(make), changes_at};
    const auto path = cache_->read_list(catalogue_generation(), kListLocks, query, source);
    return {source.text(), path};
  }

  /// A writer, up to its commit.
  class Writer {
   public:
    explicit Writer(Protocol& test, const std::string& name)
        : connection_{postgres(test.database_.options())},
          transaction_{connection_,
                       {{storage::catalogue_lock(), LockMode::shared},
                        {storage::product_lock(kTea), LockMode::exclusive}},
                       {}} {
      transaction_.exec_params("update products set name = $1", name);
      storage::Changes changes;
      changes.products.push_back(kTea);
      changes.catalogue = true;
      test.invalidation_->begin(changes, {})->acknowledge();
    }
    void commit() { transaction_.commit(); }

   private:
    storage::postgres::Connection connection_;
    storage::postgres::WriteTransaction transaction_;
  };
  void write(const std::string& name) { Writer{*this, name}.commit(); }

  [[nodiscard]] std::string raw(const Key& key) const {
    return memcached_[slot_of(key, 2)].ask("get " + key.text);
  }
  void put_raw(const Key& key, const std::string& value) const {
    memcached_[slot_of(key, 2)].ask(test::store_bytes(key.text, value));
  }
  void put(const Key& key, const std::string& content) const {
    memcached_[slot_of(key, 2)].ask(test::store_sealed(key.text, content));
  }
  void delete_raw(const Key& key) const { memcached_[slot_of(key, 2)].ask("delete " + key.text); }
  /// Returns: the token of the catalogue's generation.
  [[nodiscard]] std::string token() const {
    const auto text = raw(catalogue_generation());  // VALUE … CR LF seal token CR LF END
    return text.substr(text.find("\r\n") + 2 + EntrySeal::kBytes, 32);
  }
};

}  // namespace codasync::cache
