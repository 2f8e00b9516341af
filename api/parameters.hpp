#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/problem.hpp"
#include "api/uri.hpp"
#include "storage/reader.hpp"

namespace codasync::api {

/// The query of a list, read like a Body: ask for each parameter once, then finish() names
/// everything that is wrong or unknown.
class Parameters {
 public:
  explicit Parameters(const Query& query) : query_{query} {}

  std::optional<std::string> text(
      const std::string& name);  // at most 255 characters, no control characters
  std::optional<std::int64_t> id(const std::string& name);
  std::optional<Gtin> gtin(const std::string& name);
  std::optional<Date> date(const std::string& name);
  std::optional<Instant> instant(const std::string& name);
  std::optional<std::string> cursor();  // as make_cursor() wrote it: what it carries
  bool flag(const std::string& name);   // `true` or `1`; `false`, `0` or absent
  std::size_t limit();                  // 1…kPageMax, default 100
  void refuse(const std::string& name, std::string sentence);

  /// Returns: the problem, or nothing when every parameter was known, right and given once.
  [[nodiscard]] std::optional<Problem> finish();

 private:
  std::optional<std::string> take(const std::string& name);

  Query query_;  // what has not been asked for yet
  FieldErrors errors_;
};

/// Returns: an opaque cursor that carries `text`, and back; nothing when it is none of ours.
std::string make_cursor(std::string_view text);
std::optional<std::string> read_cursor(std::string_view cursor);

/// Returns: the Link header to the next page (RFC 8288): the same question with another cursor.
Header next_page(std::string_view path, const Query& query, std::string_view cursor);

}  // namespace codasync::api
