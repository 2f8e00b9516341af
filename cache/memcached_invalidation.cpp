#include "cache/memcached_invalidation.hpp"

#include <poll.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "cache/address.hpp"
#include "storage/errors.hpp"
#include "storage/failpoint.hpp"

namespace codasync::cache {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kDependency = "memcached";
constexpr int kLongest = 20;  // a round, in answer timeouts

/// The commands for one node.
struct Deletions {
  std::string commands;
  std::size_t count{0};
};

std::vector<Deletions> by_slot(const std::vector<Key>& keys, std::size_t slots) {
  std::vector<Deletions> all(slots);
  for (const Key& key : keys) {
    Deletions& node = all[slot_of(key, slots)];
    node.commands.append("delete ").append(key.text).append("\r\n");
    ++node.count;
  }
  return all;
}

/// Milliseconds to wait, rounded up: poll() with 0 would spin through the last one.
int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::max<decltype(left)>(left, 0));
}

/// The deletions of one transaction, on one connection for each node.
class Round final : public storage::Invalidation::Pending {
 public:
  Round(Observer& observer, std::chrono::milliseconds answer_timeout)
      : observer_{observer}, answer_timeout_{answer_timeout}, begun_{Clock::now()} {}

  ~Round() override {
    if (!kept_back_) return;
    try {
      wait();
    } catch (const Unavailable&) {  // that is how such a protocol loses a deletion
    }
  }

  /// Starts the deletions of one node. Throws: Unavailable.
  void add(std::size_t slot, Pool<TextConnection>& pool, Deletions deletions) {
    guarded(slot, [&] {
      auto connection = pool.acquire(answer_timeout_);
      if (!connection) throw TextFailure{Loss::silent, "no connection is free"};
      keys_ += deletions.count;
      (*connection)->begin(std::move(deletions.commands), deletions.count);
      if (!kept_back_) (*connection)->advance();
      nodes_.push_back({slot, std::move(*connection)});
    });
  }

  void acknowledge() override {
    if (kept_back_) return;
    wait();
    failpoint::reach("after-delete");
  }

 private:
  struct Node {
    std::size_t slot;
    Pool<TextConnection>::Handle connection;
  };

  void wait() {
    // A server that goes on answering has more time: a page of an import deletes many thousand
    // keys.
    const auto enough = Clock::now() + kLongest * answer_timeout_;
    auto deadline = Clock::now() + answer_timeout_;
    for (;;) {
      std::vector<pollfd> waiting;
      for (const Node& node : nodes_) {
        if (!node.connection->done()) {
          waiting.push_back({node.connection->descriptor(), node.connection->events(), 0});
        }
      }
      if (waiting.empty()) break;
      const int ready = poll(waiting.data(), waiting.size(), milliseconds_until(deadline));
      if (ready > 0) deadline = std::min(Clock::now() + answer_timeout_, enough);
      const bool late = Clock::now() >= deadline;
      for (const Node& node : nodes_) {
        if (node.connection->done()) continue;
        guarded(node.slot, [&] {
          if (ready > 0) node.connection->advance();
          if (late && !node.connection->done())
            throw TextFailure{Loss::silent, "no answer in time"};
        });
      }
    }
    if (keys_ > 0) observer_.deleted(keys_, Clock::now() - begun_);
  }

  /// The one place where a failure of the socket becomes the storage's word for it.
  template <class Work>
  void guarded(std::size_t slot, const Work& work) {
    try {
      work();
    } catch (const TextFailure& failure) {
      observer_.delete_failed(slot, failure.loss(), failure.what());
      throw Unavailable{kDependency, "slot " + std::to_string(slot) + ": " + failure.what()};
    }
  }

  Observer& observer_;
  const std::chrono::milliseconds answer_timeout_;
  const Clock::time_point begun_;
  const bool kept_back_{failpoint::broken("delete-after-commit")};
  std::size_t keys_{0};
  std::vector<Node> nodes_;
};

std::unique_ptr<Pool<TextConnection>> make_pool(const MemcachedOptions& options,
                                                const std::string& server) {
  const auto address = parse_address(server);
  assert(address);
  return std::make_unique<Pool<TextConnection>>(
      options.connections_max, [address = *address, timeout = options.connect_timeout] {
        return std::make_unique<TextConnection>(address, timeout);
      });
}

}  // namespace

std::vector<Key> keys_of(const storage::Changes& changes) {
  std::vector<Key> keys;
  for (const auto& reading : changes.readings) {
    keys.push_back(reading_answer(reading.id));
    keys.push_back(shop_stock_answer(reading.shop, reading.gtin));
    keys.push_back(product_stock_answer(reading.gtin));
  }
  for (const Gtin gtin : changes.products) {
    keys.push_back(product_answer(gtin));
    keys.push_back(product_row(gtin));
    keys.push_back(product_stock_answer(gtin));
  }
  for (const ShopId shop : changes.shops) {
    keys.push_back(shop_answer(shop));
    keys.push_back(shop_row(shop));
    keys.push_back(shop_generation(shop));  // its time zone decides which readings have expired
  }
  for (const ShopId shop : changes.shop_lists) keys.push_back(shop_generation(shop));
  if (changes.catalogue) keys.push_back(catalogue_generation());
  if (changes.all_shops) keys.push_back(shops_generation());

  const auto by_text = [](const Key& a, const Key& b) { return a.text < b.text; };
  std::sort(keys.begin(), keys.end(), by_text);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

MemcachedInvalidation::MemcachedInvalidation(const MemcachedOptions& options, Observer& observer)
    : options_{options}, observer_{observer} {
  for (const auto& server : options_.servers) nodes_.push_back(make_pool(options_, server));
}

std::unique_ptr<storage::Invalidation::Pending> MemcachedInvalidation::begin(
    const storage::Changes& changes, const storage::SlotStates& slots) {
  auto round = std::make_unique<Round>(observer_, options_.answer_timeout);
  if (nodes_.empty()) return round;
  auto deletions = by_slot(keys_of(changes), nodes_.size());
  // In the order of the slots, so that rounds that wait for connections do not wait for each other.
  for (std::size_t slot = 0; slot < nodes_.size(); ++slot) {
    if (deletions[slot].count == 0) continue;
    const auto state = slot < slots.size() ? slots[slot] : storage::SlotState::up;
    switch (state) {
      case storage::SlotState::up:
        round->add(slot, *nodes_[slot], std::move(deletions[slot]));
        break;
      case storage::SlotState::waiting:
        throw Unavailable{kDependency,
                          "slot " + std::to_string(slot) + " may still hold old entries"};
      case storage::SlotState::down:
        break;
    }
  }
  return round;
}

}  // namespace codasync::cache
