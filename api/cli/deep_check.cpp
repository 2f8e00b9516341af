#include <chrono>
#include <iostream>
#include <optional>
#include <thread>

#include "api/cli/commands.hpp"
#include "api/cli/progress.hpp"
#include "api/routes.hpp"
#include "api/stored_answer.hpp"
#include "cache/inventory.hpp"
#include "cache/make_cache.hpp"
#include "storage/errors.hpp"
#include "storage/ledger_check.hpp"
#include "storage/make_storage.hpp"

namespace codasync::api::cli {
namespace {

using namespace std::chrono_literals;

constexpr int kAttemptsMax = 50;  // for locks that a writer or a filler holds

std::string count_of(std::uint64_t number, const char* what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

// ------------------------------------------------------------------------------------- the ledger

void print(const storage::LedgerDifference& difference) {
  std::cout << "reading " << difference.reading.value();
  if (difference.row) {
    std::cout << " in shop " << difference.row->shop.value() << ", GTIN "
              << difference.row->gtin.canonical();
  }
  const char* separator = ": ";
  for (const auto& sentence : difference.what) {
    std::cout << separator << sentence;
    separator = "; ";
  }
  std::cout << (difference.repaired ? " (repaired)" : "") << "\n";
}

std::vector<std::string> compare_readings(const config::Settings& settings, bool repair) {
  cache::Observer nobody;
  const auto invalidation = cache::make_invalidation(settings.memcached, nobody);
  Progress progress;
  const auto counts = storage::check_ledger(
      settings.postgres, repair ? invalidation.get() : nullptr,
      [&](const storage::LedgerDifference& difference) {
        progress.clear();
        print(difference);
      },
      [&](const storage::LedgerCheckCounts& so_far) {
        progress.show([&] {
          return std::to_string(so_far.checked) + " of " + std::to_string(so_far.total) +
                 " readings compared with their events";
        });
      });
  progress.clear();
  std::cout << "Ledger      " << count_of(counts.checked, "reading") << " compared, "
            << counts.differing << " differed, " << counts.repaired << " repaired\n";
  if (counts.differing == counts.repaired) return {};
  return {count_of(counts.differing - counts.repaired, "reading") +
          " differ from their events: `codasync check --deep --repair` writes them anew."};
}

// -------------------------------------------------------------------------------------- the cache

/// What an entry should be and what has to be locked so that it stays so.
struct Wanted {
  std::vector<storage::Lock> locks;
  std::function<std::optional<std::string>(storage::Reader&)>
      bytes;  // nothing: there should be no entry
};

bool begins(const cache::Key& key, std::string_view prefix) { return key.text.starts_with(prefix); }

/// Returns: what the service would answer at this address, or nothing for one that it does not
/// cache.
std::optional<Wanted> answer_at(const std::string& path, storage::Database& database) {
  const auto matched = match(Method::get, path);
  if (!matched) return std::nullopt;
  const auto* read = std::get_if<Read>(&matched->route->action);
  const auto* cached = read == nullptr ? nullptr : std::get_if<CachedResponse>(&read->caching);
  if (cached == nullptr) return std::nullopt;
  Call call{.request = {}, .path = matched->arguments, .query = {}, .actor = {}};
  if (matched->route->needs.resolve == Resolve::reading) {
    const ReadingId id{call.path.id};
    const auto keys = database.read()->reading_keys({id});
    if (keys.empty()) return std::nullopt;
    call.path.reading = keys.at(id);
  }
  return Wanted{cached->locks(call.path),
                [read, call](storage::Reader& reader) -> std::optional<std::string> {
                  const auto answer = read->answer(reader, call);
                  return answer ? std::optional{to_stored(*answer)} : std::nullopt;
                }};
}

class CacheComparison {
 public:
  CacheComparison(const config::Settings& settings, bool repair)
      : settings_{settings},
        repair_{repair},
        inventory_{settings.memcached},
        database_{storage::make_database(settings.postgres)} {}

  std::vector<std::string> run() {
    std::vector<std::string> found;
    for (std::size_t slot = 0; slot < settings_.memcached.servers.size(); ++slot) {
      try {
        inventory_.for_each_key(slot, [&](const cache::Key& key) { look_at(slot, key); });
      } catch (const Unavailable& failure) {
        found.push_back("The cache was not compared as a whole: " + std::string{failure.what()});
      }
    }
    progress_.clear();
    std::cout << "Cache       " << count_of(compared_, "answer") << " compared, " << differing_
              << " differed, " << deleted_ << " deleted; " << others_
              << " lists and other entries not compared\n";
    if (busy_ > 0) {
      found.push_back(
          count_of(busy_, "answer") +
          " changed all the time and could not be compared. Try again when less is written.");
    }
    if (differing_ > deleted_) {
      found.push_back(std::to_string(differing_ - deleted_) +
                      " of the cache's entries differ from the database: `codasync check --deep "
                      "--repair` deletes them.");
    }
    return found;
  }

 private:
  void look_at(std::size_t slot, const cache::Key& key) {
    const std::size_t slots = settings_.memcached.servers.size();
    if (!begins(key, cache::kAnswerPrefix)) {
      ++others_;
      return;
    }
    progress_.show(
        [&] { return std::to_string(compared_) + " answers compared with the database"; });
    const std::string path = key.text.substr(std::string_view{cache::kAnswerPrefix}.size());
    const auto stored = inventory_.read(slot, key);
    if (!stored) return;  // gone meanwhile
    ++compared_;
    if (cache::slot_of(key, slots) != slot)
      return differs(slot, key, "it belongs into another slot");
    const auto wanted = answer_at(path, *database_);
    if (!wanted) return differs(slot, key, "there is nothing at this address");
    if (wanted->bytes(*database_->read()) == stored) return;
    compare_under_locks(slot, key, *wanted);
  }

  /// A writer may have been in between. It cannot while these locks are held, and then an entry
  /// that is there is right.
  void compare_under_locks(std::size_t slot, const cache::Key& key, const Wanted& wanted) {
    for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
      if (const auto held = database_->try_fill(wanted.locks)) {
        const auto stored = inventory_.read(slot, key);
        if (stored && stored != wanted.bytes(held->reader()))
          differs(slot, key, "it is not what the database says");
        return;
      }
      std::this_thread::sleep_for(20ms);
    }
    ++busy_;
  }

  void differs(std::size_t slot, const cache::Key& key, const char* how) {
    ++differing_;
    if (repair_) {
      inventory_.remove(slot, key);
      ++deleted_;
    }
    progress_.clear();
    std::cout << "cache slot " << slot << ", " << key.text << ": " << how
              << (repair_ ? " (deleted)" : "") << "\n";
  }

  const config::Settings& settings_;
  const bool repair_;
  cache::Inventory inventory_;
  std::unique_ptr<storage::Database> database_;
  Progress progress_;
  std::uint64_t compared_{0};
  std::uint64_t differing_{0};
  std::uint64_t deleted_{0};
  std::uint64_t others_{0};
  std::uint64_t busy_{0};
};

}  // namespace

std::vector<std::string> check_deeply(const config::Settings& settings, bool repair) {
  auto found = compare_readings(settings, repair);
  const auto more = CacheComparison{settings, repair}.run();
  found.insert(found.end(), more.begin(), more.end());
  return found;
}

}  // namespace codasync::api::cli
