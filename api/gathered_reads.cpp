#include "api/gathered_reads.hpp"

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "api/cache_entry.hpp"

namespace codasync::api {
namespace {

/// A set of row keys, as a query takes them.
class KeySet {
 public:
  void add(const storage::RowKeys& keys) {
    shops_.insert(keys.shops.begin(), keys.shops.end());
    products_.insert(keys.products.begin(), keys.products.end());
    readings_.insert(keys.readings.begin(), keys.readings.end());
  }
  [[nodiscard]] storage::RowKeys keys() const {
    return {{shops_.begin(), shops_.end()},
            {products_.begin(), products_.end()},
            {readings_.begin(), readings_.end()}};
  }

 private:
  std::set<ShopId> shops_;
  std::set<Gtin> products_;
  std::set<storage::ReadingKey> readings_;
};

/// The responses as rows of a page.
class Responses final : public cache::PageSource {
 public:
  Responses(const std::vector<GatheredRead>& reads, cache::Admission& admission) {
    std::unordered_map<std::string, std::size_t> known;
    for (const auto& read : reads) {
      const auto& cached = read.action->cached;
      auto key = cached.key(*read.path);
      const auto [place, is_new] = known.try_emplace(key.text, rows_.size());
      if (is_new) {
        rows_.push_back({std::move(key), cached.locks(*read.path)});
        wanted_.emplace_back();
      }
      wanted_[place->second].reads.push_back(&read);
    }
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      const bool admitted = admission.admits(rows_[row].key.text);
      rows_[row].cached = admitted || wanted_[row].reads.size() > 1;
    }
  }

  [[nodiscard]] std::span<const cache::PageRow> rows() const { return rows_; }

  bool decode(std::size_t row, std::string_view entry) override {
    auto response = from_cache_entry(entry);
    if (!response) return false;
    wanted_[row].result = Result{std::move(*response)};
    return true;
  }

  void produce(storage::Reader& reader, std::span<const std::size_t> rows) override {
    KeySet keys;
    for (const auto row : rows) {
      const auto& first = *wanted_[row].reads.front();
      keys.add(first.action->keys(*first.path));
    }
    const auto found = reader.rows(keys.keys());
    for (const auto row : rows) {
      const auto& first = *wanted_[row].reads.front();
      wanted_[row].result = first.action->answer(*first.path, found);
    }
  }

  [[nodiscard]] std::optional<std::string> encode(std::size_t row) const override {
    const auto& result = wanted_[row].result;
    const bool exists = result && *result;
    return exists ? std::optional{to_cache_entry(result->value())} : std::nullopt;
  }

  [[nodiscard]] std::optional<Instant> changes_at(std::size_t row) const override {
    return wanted_[row].result->value().changes_at;
  }

  void ready(std::span<const std::size_t> rows) override {
    for (const auto row : rows) {
      for (const auto* read : wanted_[row].reads) read->answered(wanted_[row].result);
    }
  }

 private:
  struct Wanted {
    std::vector<const GatheredRead*> reads;
    std::optional<Result> result;
  };

  std::vector<cache::PageRow> rows_;
  std::vector<Wanted> wanted_;
};

}  // namespace

void read_together(cache::Cache& cache, cache::Admission& admission,
                   const std::vector<GatheredRead>& reads) {
  Responses responses{reads, admission};
  cache.read_page(responses.rows(), responses);
}

}  // namespace codasync::api
