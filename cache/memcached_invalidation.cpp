#include "cache/memcached_invalidation.hpp"

#include <algorithm>
#include <cassert>
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

/// The commands for one server.
struct Deletions {
  std::string commands;
  std::size_t count{0};
};

std::vector<Deletions> by_slot(const std::vector<Key>& keys, std::size_t slots) {
  std::vector<Deletions> all(slots);
  for (const Key& key : keys) {
    Deletions& own = all[slot_of(key, slots)];
    own.commands.append("delete ").append(key.text).append("\r\n");
    ++own.count;
  }
  return all;
}

/// The deletions of one transaction, on one connection for each server.
class Round final : public storage::Invalidation::Pending {
 public:
  Round(Observer& observer, std::chrono::milliseconds answer_timeout)
      : observer_{observer}, answer_timeout_{answer_timeout}, begun_{Clock::now()} {}

  /// Starts the deletions of one server. Throws: Unavailable.
  void add(std::size_t slot, Pool<TextConnection>& pool, Deletions deletions) {
    guarded(slot, [&] {
      auto connection = pool.acquire(answer_timeout_);
      if (!connection) throw TextFailure{Unreachable::no_response, "no connection is free"};
      keys_ += deletions.count;
      (*connection)->begin(std::move(deletions.commands), deletions.count);
      (*connection)->advance();
      servers_.push_back({slot, std::move(*connection)});
    });
  }

  void acknowledge() override {
    wait();
    failpoint::reach("after-delete");
  }

 private:
  struct InUse {
    std::size_t slot;
    Pool<TextConnection>::Handle connection;
  };

  void wait() {
    std::vector<TextConnection*> connections;
    for (const InUse& server : servers_) connections.push_back(&*server.connection);
    complete(connections, answer_timeout_, [this](std::size_t i, const TextFailure& failure) {
      refuse(servers_[i].slot, failure);
    });
    if (keys_ > 0) observer_.deleted(keys_, Clock::now() - begun_);
  }

  /// Converts a failure of a connection to the storage's exception.
  template <class Work>
  void guarded(std::size_t slot, const Work& work) {
    try {
      work();
    } catch (const TextFailure& failure) {
      refuse(slot, failure);
    }
  }
  [[noreturn]] void refuse(std::size_t slot, const TextFailure& failure) {
    observer_.delete_failed(slot, failure.reason(), failure.what());
    throw Unavailable{kDependency, "slot " + std::to_string(slot) + ": " + failure.what()};
  }

  Observer& observer_;
  const std::chrono::milliseconds answer_timeout_;
  const Clock::time_point begun_;

  std::size_t keys_{0};
  std::vector<InUse> servers_;
};

std::unique_ptr<Pool<TextConnection>> make_pool(const MemcachedOptions& options,
                                                const std::string& server, CheckConnection check) {
  const auto address = parse_address(server);
  assert(address);
  return std::make_unique<Pool<TextConnection>>(
      options.connections_max,
      [address = *address, timeout = options.connect_timeout, check = std::move(check)] {
        return std::make_unique<TextConnection>(address, timeout, check);
      });
}

}  // namespace

std::vector<Key> keys_of(const storage::Changes& changes) {
  std::vector<Key> keys;
  for (const auto& reading : changes.readings) {
    keys.push_back(reading_response(reading.id));
    keys.push_back(shop_stock_response(reading.shop, reading.gtin));
    keys.push_back(product_stock_response(reading.gtin));
    keys.push_back(reading_row(reading.shop, reading.gtin));
  }
  for (const auto& reading : changes.renamed) {
    keys.push_back(reading_response(reading.id));
    keys.push_back(shop_stock_response(reading.shop, reading.gtin));
  }
  for (const Gtin gtin : changes.products) {
    keys.push_back(product_response(gtin));
    keys.push_back(product_row(gtin));
    keys.push_back(product_stock_response(gtin));
  }
  for (const ShopId shop : changes.shops) {
    keys.push_back(shop_response(shop));
    keys.push_back(shop_row(shop));
  }
  for (const ShopId shop : changes.shop_lists) keys.push_back(shop_generation(shop));
  if (changes.catalogue) keys.push_back(catalogue_generation());
  if (changes.all_shops) keys.push_back(shops_generation());

  const auto by_text = [](const Key& a, const Key& b) { return a.text < b.text; };
  std::sort(keys.begin(), keys.end(), by_text);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

MemcachedInvalidation::MemcachedInvalidation(const MemcachedOptions& options, Observer& observer,
                                             const SlotIdentities* identities)
    : options_{options}, seal_{options}, observer_{observer} {
  for (const auto& server : options_.servers) {
    auto check = identities == nullptr ? CheckConnection{}
                                       : check_of_identity(*identities, pools_.size(), seal_,
                                                           options_.answer_timeout);
    pools_.push_back(make_pool(options_, server, std::move(check)));
  }
}

std::unique_ptr<storage::Invalidation::Pending> MemcachedInvalidation::begin(
    const storage::Changes& changes, const storage::SlotStates& slots) {
  auto round = std::make_unique<Round>(observer_, options_.answer_timeout);
  if (pools_.empty()) return round;
  auto deletions = by_slot(keys_of(changes), pools_.size());
  // In the order of the slots, so that rounds that wait for connections do not wait for each other.
  for (std::size_t slot = 0; slot < pools_.size(); ++slot) {
    if (deletions[slot].count == 0) continue;
    const auto state = slot < slots.size() ? slots[slot] : storage::SlotState::up;
    switch (state) {
      case storage::SlotState::up:
        round->add(slot, *pools_[slot], std::move(deletions[slot]));
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
