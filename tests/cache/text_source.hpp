#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cache/cache.hpp"

namespace codasync::test {

/// A text as a source of the cache. An entry that starts with `malformed` is malformed. `Base`:
/// cache::Source or cache::ListSource.
template <class Base>
class TextEntry : public Base {
 public:
  explicit TextEntry(std::optional<Instant> changes_at) : changes_at_{changes_at} {}

  /// Returns: the text that was decoded or produced last.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  bool decode(std::string_view entry) override {
    if (entry.starts_with("malformed")) return false;
    text_ = entry;
    return true;
  }
  [[nodiscard]] std::string encode() const override { return text_; }
  [[nodiscard]] std::optional<Instant> changes_at() const override { return changes_at_; }

 protected:
  void set(std::string text) { text_ = std::move(text); }

 private:
  const std::optional<Instant> changes_at_;
  std::string text_;
};

/// A text from the database.
class TextSource final : public TextEntry<cache::Source> {
 public:
  using Make = std::function<std::string(storage::Reader&)>;

  explicit TextSource(Make make, bool may_be_stored = true,
                      std::optional<Instant> changes_at = std::nullopt)
      : TextEntry{changes_at}, make_{std::move(make)}, may_be_stored_{may_be_stored} {}

  bool produce(storage::Reader& reader) override {
    set(make_(reader));
    return may_be_stored_;
  }

 private:
  const Make make_;
  const bool may_be_stored_;
};

/// A text as a list. It may be stored, unless it is empty.
class TextListSource final : public TextEntry<cache::ListSource> {
 public:
  explicit TextListSource(std::function<std::string()> make,
                          std::optional<Instant> changes_at = std::nullopt)
      : TextEntry{changes_at}, make_{std::move(make)} {}

  bool produce() override {
    set(make_());
    return !text().empty();
  }

 private:
  const std::function<std::string()> make_;
};

/// The result of a read through a cache, and its path.
struct Fetched {
  std::string bytes;
  cache::ReadPath path;
};

inline Fetched fetch(cache::Cache& cache, const cache::Key& key,
                     const std::vector<storage::Lock>& locks, TextSource source) {
  const auto path = cache.read_through(key, locks, source);
  return {source.text(), path};
}

}  // namespace codasync::test
