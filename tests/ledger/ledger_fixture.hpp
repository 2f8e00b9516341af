#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "storage/errors.hpp"
#include "storage/ledger/combiner.hpp"
#include "tests/support/database.hpp"

namespace codasync::test {

/// An Invalidation that records the changes, and can refuse.
class RecordingInvalidation : public storage::Invalidation {
 public:
  std::unique_ptr<Pending> begin(const storage::Changes& changes,
                                 const storage::SlotStates&) override {
    const std::scoped_lock hold{mutex_};
    changes_.push_back(changes);
    struct Acknowledged : Pending {
      explicit Acknowledged(bool refuse) : refuses{refuse} {}
      void acknowledge() override {
        if (refuses) throw Unavailable{"memcached", "refused by the test"};
      }
      bool refuses;
    };
    return std::make_unique<Acknowledged>(refuses_.load());
  }
  [[nodiscard]] std::size_t slot_count() const noexcept override { return 1; }

  void refuse(bool refuses) { refuses_ = refuses; }
  [[nodiscard]] std::vector<storage::Changes> changes() const {
    const std::scoped_lock hold{mutex_};
    return changes_;
  }

 private:
  mutable std::mutex mutex_;  // guards changes_
  std::vector<storage::Changes> changes_;
  std::atomic<bool> refuses_{false};
};

class CountingObserver : public storage::LedgerObserver {
 public:
  void on_batch(const Batch& batch) override {
    ++batches;
    operations += batch.operations;
  }
  void on_refusals(std::size_t) override {}
  void on_split() override { ++splits; }
  void on_retry() override { ++retries; }
  void on_doubt() override { ++doubts; }
  void on_overload() override { ++overloads; }
  std::atomic<std::size_t> batches{0}, operations{0}, splits{0}, retries{0}, doubts{0},
      overloads{0};
};

/// A database with one shop and some products, and a ledger on it.
class LedgerTest : public testing::Test {
 protected:
  static constexpr ShopId kShop{1};
  static constexpr Gtin kTea = Gtin::from_number(4006381333931);
  static constexpr Gtin kMilk = Gtin::from_number(9520000000004);
  static constexpr Gtin kUnknown = Gtin::from_number(96385074);

  void SetUp() override {
    database.run("insert into shops (name) values ('North')");
    database.run(
        "insert into products (gtin, name) values (4006381333931, 'Tea'), (9520000000004, 'Milk')");
    database.run(
        "insert into tokens (name, role, hash) values ('staff', 'staff', decode(repeat('01', 32), "
        "'hex')),"
        " ('admin', 'admin', decode(repeat('02', 32), 'hex'))");
    open();
  }

  void open() {
    ledger.reset();
    ledger = storage::make_combiner(postgres, options, invalidation, observer);
  }

  static storage::Token staff() { return {TokenId{1}, "staff", storage::Role::staff, {}, {}, {}}; }
  static storage::Token admin() { return {TokenId{2}, "admin", storage::Role::admin, {}, {}, {}}; }

  /// Returns: the result as text: `<outcome> v<version> <date> <quantity>`.
  static std::string describe(const storage::Written& written) {
    const auto& reading = written.reading;
    return std::string{name_of(written.outcome)} + " v" + std::to_string(reading.version) + " " +
           (reading.date ? to_string(reading.date->date) : "-") + " " +
           (reading.quantity ? std::to_string(*reading.quantity) : "-") +
           (written.created ? " created" : "") + (written.present ? "" : " absent");
  }

  static storage::StockOperation operation(EventKind kind, Gtin gtin = kTea) {
    return {.shop = kShop,
            .gtin = gtin,
            .may_create = kind != EventKind::adjust && kind != EventKind::remove,
            .kind = kind,
            .actor = staff(),
            .encode_response = &describe};
  }
  static storage::StockOperation sighting(unsigned december_day, Gtin gtin = kTea) {
    auto made = operation(EventKind::sighting, gtin);
    made.date = ShelfDate{std::chrono::year{2026} / 12 / std::chrono::day{december_day}, {}};
    return made;
  }
  static storage::StockOperation count(std::int64_t quantity, Gtin gtin = kTea) {
    auto made = operation(EventKind::count, gtin);
    made.quantity = quantity;
    return made;
  }
  static storage::StockOperation adjust(std::int64_t delta, Gtin gtin = kTea) {
    auto made = operation(EventKind::adjust, gtin);
    made.delta = delta;
    return made;
  }
  static storage::IdempotencyKey key(std::string name, std::uint8_t fingerprint = 0) {
    storage::IdempotencyKey made{std::move(name), {}};
    made.fingerprint[0] = fingerprint;
    return made;
  }

  std::future<storage::StockResult> submit(storage::StockOperation operation) {
    auto promise = std::make_shared<std::promise<storage::StockResult>>();
    ledger->submit(std::move(operation), [promise](storage::StockResult result) {
      promise->set_value(std::move(result));
    });
    return promise->get_future();
  }
  storage::StockResult perform(storage::StockOperation operation) {
    return submit(std::move(operation)).get();
  }

  static std::string text(const storage::StockResult& result) {
    if (const auto* written = std::get_if<storage::Written>(&result)) return describe(*written);
    if (const auto* stored = std::get_if<storage::StoredResponse>(&result)) return stored->text;
    if (const auto* failed = std::get_if<storage::Failed>(&result))
      return "failed: " + failed->log_detail;
    return "refused: " + std::to_string(static_cast<int>(std::get<storage::Refused>(result).why));
  }
  static bool accepted(const storage::StockResult& result) {
    return std::holds_alternative<storage::Written>(result) ||
           std::holds_alternative<storage::StoredResponse>(result);
  }
  static storage::Refused::Why why(const storage::StockResult& result) {
    EXPECT_TRUE(std::holds_alternative<storage::Refused>(result)) << text(result);
    return std::get<storage::Refused>(result).why;
  }

  TestDatabase database;
  storage::PostgresOptions postgres = database.options();
  storage::CombinerOptions options;
  RecordingInvalidation invalidation;
  CountingObserver observer;
  std::unique_ptr<storage::StockLedger> ledger;  // last: its lanes use the others
};

}  // namespace codasync::test
