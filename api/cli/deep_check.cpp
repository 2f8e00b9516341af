#include <chrono>
#include <optional>
#include <ostream>
#include <thread>
#include <utility>
#include <vector>

#include "api/cache_entry.hpp"
#include "api/cli/commands.hpp"
#include "api/cli/progress.hpp"
#include "api/routes.hpp"
#include "cache/inventory.hpp"
#include "cache/make_cache.hpp"
#include "cache/rows.hpp"
#include "storage/errors.hpp"
#include "storage/ledger_check.hpp"
#include "storage/make_storage.hpp"

namespace codasync::api::cli {
namespace {

using namespace std::chrono_literals;

constexpr int kAttemptsMax = 50;  // for locks that a write or a fill holds

std::string count_of(std::uint64_t number, const char* what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

// ---- the ledger

void print(const storage::LedgerDifference& difference, std::ostream& out) {
  out << "reading " << difference.reading.value();
  if (difference.row) {
    out << " in shop " << difference.row->shop.value() << ", GTIN "
        << difference.row->gtin.canonical();
  }
  const char* separator = ": ";
  for (const auto& sentence : difference.what) {
    out << separator << sentence;
    separator = "; ";
  }
  out << (difference.repaired ? " (repaired)" : "") << "\n";
}

std::vector<std::string> compare_readings(const config::Settings& settings, bool repair,
                                          std::ostream& out) {
  cache::Observer observer;  // ignores all events
  const auto invalidation = cache::make_invalidation(settings.memcached, observer);
  Progress progress;
  const auto counts = storage::check_ledger(
      settings.postgres, repair ? invalidation.get() : nullptr,
      [&](const storage::LedgerDifference& difference) {
        progress.clear();
        print(difference, out);
      },
      [&](const storage::LedgerCheckCounts& so_far) {
        progress.show([&] {
          return std::to_string(so_far.checked) + " of " + std::to_string(so_far.total) +
                 " readings compared with their events";
        });
      });
  progress.clear();
  out << "Ledger      " << count_of(counts.checked, "reading") << " compared, " << counts.differing
      << " differed, " << counts.repaired << " repaired\n";
  if (counts.differing == counts.repaired) return {};
  return {count_of(counts.differing - counts.repaired, "reading") +
          " differ from their events. Run `codasync check --deep --repair` to repair them."};
}

// ---- the cache

/// The right content of an entry, and the locks that keep it so.
struct Expected {
  std::vector<storage::Lock> locks;
  std::function<std::optional<std::string>(storage::Reader&)>
      bytes;  // nothing: the entry should not exist
};

bool begins(const cache::Key& key, std::string_view prefix) { return key.text.starts_with(prefix); }

/// Returns: the expected entry of an address, or nothing for an address that is not cached.
std::optional<Expected> expected_at(const std::string& path, storage::Database& database) {
  const auto matched = match(Method::get, path);
  if (!matched) return std::nullopt;
  const auto* one = std::get_if<ReadOne>(&matched->route->action);
  const auto* read = std::get_if<Read>(&matched->route->action);
  const auto* cached = one != nullptr    ? &one->cached
                       : read != nullptr ? std::get_if<CachedResponse>(&read->caching)
                                         : nullptr;
  if (cached == nullptr) return std::nullopt;
  Call call{.request = {}, .path = matched->arguments, .query = {}, .actor = {}};
  if (matched->route->needs.resolve == Resolve::reading) {
    const ReadingId id{call.path.id};
    const auto keys = database.read()->reading_keys({id});
    if (keys.empty()) return std::nullopt;
    call.path.reading = keys.at(id);
  }
  return Expected{cached->locks(call.path),
                  [one, read, call](storage::Reader& reader) -> std::optional<std::string> {
                    const auto response =
                        one != nullptr ? one->answer(call.path, reader.rows(one->keys(call.path)))
                                       : std::optional{read->answer(reader, call)};
                    return response && *response ? std::optional{to_cache_entry(**response)}
                                                 : std::nullopt;
                  }};
}

/// The same for the key of any entry.
std::optional<Expected> expected_for(const cache::Key& key, storage::Database& database) {
  if (begins(key, cache::kResponsePrefix)) {
    return expected_at(key.text.substr(std::string_view{cache::kResponsePrefix}.size()), database);
  }
  auto row = cache::row_of(key);
  if (!row) return std::nullopt;
  return Expected{std::move(row->locks), [keys = std::move(row->keys)](storage::Reader& reader) {
                    return cache::entry_of(keys, reader.rows(keys));
                  }};
}

class CacheComparison {
 public:
  CacheComparison(const config::Settings& settings, bool repair, std::ostream& out)
      : settings_{settings},
        repair_{repair},
        out_{out},
        inventory_{settings.memcached},
        database_{storage::make_database(settings.postgres)} {}

  std::vector<std::string> run() {
    std::vector<std::string> found;
    for (std::size_t slot = 0; slot < settings_.memcached.servers.size(); ++slot) {
      try {
        inventory_.for_each_key(slot, [&](const cache::Key& key) { compare(slot, key); });
      } catch (const Unavailable& failure) {
        found.push_back("The cache was not compared completely: " + std::string{failure.what()});
      }
    }
    end_lists();
    progress_.clear();
    out_ << "Cache       " << compared_ << " entries compared, " << differing_ << " differed, "
         << deleted_ << " deleted; " << others_ << " lists and other entries not compared\n";
    if (busy_ > 0) {
      found.push_back(
          std::to_string(busy_) +
          " cache entries"
          " changed during each comparison. Run the check again when there are fewer writes.");
    }
    if (differing_ > deleted_) {
      found.push_back(
          std::to_string(differing_ - deleted_) +
          " cache entries differ from the database. Run `codasync check --deep --repair` "
          "to delete them.");
    }
    return found;
  }

 private:
  void compare(std::size_t slot, const cache::Key& key) {
    const std::size_t slots = settings_.memcached.servers.size();
    if (key == cache::slot_identity()) return;
    if (!begins(key, cache::kResponsePrefix) && !begins(key, cache::kRowPrefix)) {
      if (begins(key, cache::kGenerationPrefix)) generations_.emplace_back(slot, key);
      ++others_;
      return;
    }
    progress_.show(
        [&] { return std::to_string(compared_) + " cache entries compared with the database"; });
    const auto stored = inventory_.read(slot, key);
    if (!stored) return;  // deleted meanwhile
    ++compared_;
    if (cache::slot_of(key, slots) != slot) return differs(slot, key, "it belongs to another slot");
    const auto expected = expected_for(key, *database_);
    if (!expected) return differs(slot, key, "this address or row does not exist");
    if (expected->bytes(*database_->read()) == stored) return;
    compare_under_locks(slot, key, *expected);
  }

  /// The difference may come from a concurrent write. These locks exclude it, so a correct entry is
  /// equal.
  void compare_under_locks(std::size_t slot, const cache::Key& key, const Expected& expected) {
    for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
      if (const auto held = database_->try_fill(expected.locks)) {
        const auto stored = inventory_.read(slot, key);
        if (stored && stored != expected.bytes(held->reader()))
          differs(slot, key, "it differs from the database");
        return;
      }
      std::this_thread::sleep_for(20ms);
    }
    ++busy_;
  }

  /// Lists can be made of rows that differed: they end with their generations.
  void end_lists() const {
    if (deleted_ == 0) return;
    for (const auto& [slot, key] : generations_) inventory_.remove(slot, key);
  }

  void differs(std::size_t slot, const cache::Key& key, const char* how) {
    ++differing_;
    if (repair_) {
      inventory_.remove(slot, key);
      ++deleted_;
    }
    progress_.clear();
    out_ << "cache slot " << slot << ", " << key.text << ": " << how
         << (repair_ ? " (deleted)" : "") << "\n";
  }

  const config::Settings& settings_;
  const bool repair_;
  std::ostream& out_;
  cache::Inventory inventory_;
  std::unique_ptr<storage::Database> database_;
  Progress progress_;
  std::vector<std::pair<std::size_t, cache::Key>> generations_;
  std::uint64_t compared_{0};
  std::uint64_t differing_{0};
  std::uint64_t deleted_{0};
  std::uint64_t others_{0};
  std::uint64_t busy_{0};
};

}  // namespace

std::vector<std::string> check_deeply(const config::Settings& settings, bool repair,
                                      std::ostream& out) {
  auto found = compare_readings(settings, repair, out);
  const auto more = CacheComparison{settings, repair, out}.run();
  found.insert(found.end(), more.begin(), more.end());
  return found;
}

}  // namespace codasync::api::cli
