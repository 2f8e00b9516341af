#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "cache/address.hpp"
#include "cache/make_cache.hpp"
#include "cache/memcached_cache.hpp"
#include "cache/memcached_invalidation.hpp"
#include "storage/errors.hpp"

// Takes the place of cache/make_cache.cpp in `codasync_failing`. CODASYNC_BREAK chooses one part of
// the cache protocol that is left out, so that tests/faults can show that its checker finds that.

namespace codasync::cache {
namespace {

bool is_broken(std::string_view part) {
  static const char* const broken = std::getenv("CODASYNC_BREAK");
  return broken != nullptr && part == broken;
}

/// fill-without-lock: a filler does not exclude the writers of what it reads.
class DatabaseWithoutFillLocks final : public storage::Database {
 public:
  explicit DatabaseWithoutFillLocks(storage::Database& database) : database_{database} {}

  std::unique_ptr<storage::Reader> read() override { return database_.read(); }
  std::unique_ptr<storage::Fill> try_fill(std::span<const storage::Lock>) override {
    return database_.try_fill({});
  }
  std::unique_ptr<storage::Fill> try_fill_each(std::span<const storage::Lock>) override {
    return database_.try_fill_each({});
  }
  std::chrono::microseconds device_offset(const Uuid& device, Instant device_time) override {
    return database_.device_offset(device, device_time);
  }
  std::chrono::microseconds ping() override { return database_.ping(); }

 private:
  storage::Database& database_;
};

/// set-without-lease: entries are stored although their placeholders were deleted.
class SourceWithoutLeases final : public PageSource {
 public:
  SourceWithoutLeases(PageSource& source, const std::vector<std::unique_ptr<Server>>& servers,
                      std::span<const PageRow> rows)
      : source_{source}, servers_{servers}, rows_{rows} {}

  bool decode(std::size_t row, std::string_view entry) override {
    return source_.decode(row, entry);
  }
  void produce(storage::Reader& reader, std::span<const std::size_t> rows) override {
    read_at_ = now();
    source_.produce(reader, rows);
  }
  /// The cache calls this just before its `cas`, which then fails because of the other id.
  [[nodiscard]] std::optional<std::string> encode(std::size_t row) const override {
    auto entry = source_.encode(row);
    const auto& key = rows_[row].key;
    if (entry) servers_[slot_of(key, servers_.size())]->put(key, {*entry, read_at_});
    return entry;
  }
  [[nodiscard]] std::optional<Instant> changes_at(std::size_t row) const override {
    return source_.changes_at(row);
  }
  void ready(std::span<const std::size_t> rows) override { source_.ready(rows); }

 private:
  PageSource& source_;
  const std::vector<std::unique_ptr<Server>>& servers_;
  const std::span<const PageRow> rows_;
  Instant read_at_{};
};

/// entries-outlive-midnight: an entry does not end when its content changes without a write.
class SourceWithoutEnd final : public PageSource {
 public:
  explicit SourceWithoutEnd(PageSource& source) : source_{source} {}

  bool decode(std::size_t row, std::string_view entry) override {
    return source_.decode(row, entry);
  }
  void produce(storage::Reader& reader, std::span<const std::size_t> rows) override {
    source_.produce(reader, rows);
  }
  [[nodiscard]] std::optional<std::string> encode(std::size_t row) const override {
    return source_.encode(row);
  }
  [[nodiscard]] std::optional<Instant> changes_at(std::size_t) const override {
    return std::nullopt;
  }
  void ready(std::span<const std::size_t> rows) override { source_.ready(rows); }

 private:
  PageSource& source_;
};

/// A list whose parts can be replaced.
class ListOf : public ListSource {
 public:
  explicit ListOf(ListSource& source) : source_{source} {}

  bool decode(std::string_view entry) override { return source_.decode(entry); }
  bool produce() override { return source_.produce(); }
  [[nodiscard]] std::string encode() const override { return source_.encode(); }
  [[nodiscard]] std::optional<Instant> changes_at() const override { return source_.changes_at(); }

 private:
  ListSource& source_;
};

/// list-before-token: a list is read before the token under which it is stored.
class ListBeforeToken final : public ListOf {
 public:
  explicit ListBeforeToken(ListSource& source) : ListOf{source}, may_be_stored_{source.produce()} {}
  bool produce() override { return may_be_stored_; }

 private:
  const bool may_be_stored_;
};

/// entries-outlive-midnight.
class ListWithoutEnd final : public ListOf {
 public:
  using ListOf::ListOf;
  [[nodiscard]] std::optional<Instant> changes_at() const override { return std::nullopt; }
};

class BrokenCache final : public Cache {
 public:
  BrokenCache(const MemcachedOptions& options, storage::Database& database, Observer& observer,
              const SlotIdentities* identities)
      : without_locks_{database},
        cache_{options, is_broken("fill-without-lock") ? without_locks_ : database, observer,
               identities} {
    for (const auto& server : options.servers) {
      servers_.push_back(
          std::make_unique<Server>(servers_.size(), *parse_address(server), options, no_observer_));
    }
  }

  std::vector<Lookup> lookup(std::span<const Key> keys) override { return cache_.lookup(keys); }
  ReadPath read_through(const Key& key, std::span<const storage::Lock> locks,
                        Source& source) override {
    return cache_.read_through(key, locks, source);
  }
  ReadPath read_list(const Key& generation, std::span<const storage::Lock> locks,
                     const std::string& address, ListSource& source) override {
    if (is_broken("list-before-token")) {
      ListBeforeToken broken{source};
      return cache_.read_list(generation, locks, address, broken);
    }
    if (is_broken("entries-outlive-midnight")) {
      ListWithoutEnd broken{source};
      return cache_.read_list(generation, locks, address, broken);
    }
    return cache_.read_list(generation, locks, address, source);
  }
  ReadPath read_page(std::span<const PageRow> rows, PageSource& source) override {
    if (is_broken("entries-outlive-midnight")) {
      SourceWithoutEnd broken{source};
      return cache_.read_page(rows, broken);
    }
    if (!is_broken("set-without-lease")) return cache_.read_page(rows, source);
    SourceWithoutLeases broken{source, servers_, rows};
    return cache_.read_page(rows, broken);
  }

 private:
  DatabaseWithoutFillLocks without_locks_;
  Observer no_observer_;
  MemcachedCache cache_;
  std::vector<std::unique_ptr<Server>> servers_;  // by slot
};

/// delete-after-commit: the deletions are sent after the transaction has committed.
class LateInvalidation final : public storage::Invalidation {
 public:
  LateInvalidation(const MemcachedOptions& options, Observer& observer)
      : invalidation_{options, observer} {}

  std::unique_ptr<Pending> begin(const storage::Changes& changes,
                                 const storage::SlotStates& slots) override {
    return std::make_unique<Late>(invalidation_, changes, slots);
  }
  [[nodiscard]] std::size_t slot_count() const noexcept override {
    return invalidation_.slot_count();
  }

 private:
  /// The transaction destroys it after its end.
  class Late final : public Pending {
   public:
    Late(Invalidation& invalidation, storage::Changes changes, storage::SlotStates slots)
        : invalidation_{invalidation}, changes_{std::move(changes)}, slots_{std::move(slots)} {}
    ~Late() override {
      try {
        invalidation_.begin(changes_, slots_)->acknowledge();
      } catch (const Unavailable&) {  // this is how the broken protocol loses a deletion
      }
    }
    void acknowledge() override {}

   private:
    Invalidation& invalidation_;
    const storage::Changes changes_;
    const storage::SlotStates slots_;
  };

  MemcachedInvalidation invalidation_;
};

/// answer-before-acknowledge: the deletions are sent before COMMIT, and another thread receives the
/// replies, so the write is answered without them.
class UnacknowledgedInvalidation final : public storage::Invalidation {
 public:
  UnacknowledgedInvalidation(const MemcachedOptions& options, Observer& observer)
      : invalidation_{options, observer} {}

  std::unique_ptr<Pending> begin(const storage::Changes& changes,
                                 const storage::SlotStates& slots) override {
    {
      const std::lock_guard hold{mutex_};
      sent_.push_back(invalidation_.begin(changes, slots));
    }
    added_.notify_one();
    return std::make_unique<Ignored>();
  }
  [[nodiscard]] std::size_t slot_count() const noexcept override {
    return invalidation_.slot_count();
  }

 private:
  struct Ignored final : Pending {
    void acknowledge() override {}
  };

  void receive(const std::stop_token& stop) {
    std::unique_lock hold{mutex_};
    while (added_.wait(hold, stop, [this] { return !sent_.empty(); })) {
      const auto first = std::move(sent_.front());
      sent_.pop_front();
      hold.unlock();
      try {
        first->acknowledge();
      } catch (const Unavailable&) {  // this is how the broken protocol loses a deletion
      }
      hold.lock();
    }
  }

  MemcachedInvalidation invalidation_;
  std::mutex mutex_;
  std::condition_variable_any added_;
  std::deque<std::unique_ptr<Pending>> sent_;
  std::jthread receiver_{
      [this](const std::stop_token& stop) { receive(stop); }};  // the last member
};

}  // namespace

std::unique_ptr<Cache> make_cache(const MemcachedOptions& options, storage::Database& database,
                                  Observer& observer, const SlotIdentities* identities) {
  return std::make_unique<BrokenCache>(options, database, observer, identities);
}

std::unique_ptr<storage::Invalidation> make_invalidation(const MemcachedOptions& options,
                                                         Observer& observer,
                                                         const SlotIdentities* identities) {
  if (is_broken("delete-after-commit"))
    return std::make_unique<LateInvalidation>(options, observer);
  if (is_broken("answer-before-acknowledge"))
    return std::make_unique<UnacknowledgedInvalidation>(options, observer);
  return std::make_unique<MemcachedInvalidation>(options, observer, identities);
}

}  // namespace codasync::cache
