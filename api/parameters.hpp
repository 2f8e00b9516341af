#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/problem.hpp"
#include "api/uri.hpp"
#include "storage/reader.hpp"

namespace codasync::api {

/// The parameters of an address, read like a Body: ask for each once, then finish() names
/// everything that is wrong. Unknown ones never come here: the route table knows the names
/// (routes.hpp).
class Parameters {
 public:
  explicit Parameters(const Query& query) : query_{query} {}

  /// A text to filter by: trimmed, then as refuse_name() wants it. An empty one is absent, because
  /// forms send every field.
  std::optional<std::string> text(const std::string& name);
  std::optional<std::int64_t> id(const std::string& name);
  std::optional<Gtin> gtin(const std::string& name);
  std::optional<Date> date(const std::string& name);
  std::optional<Instant> instant(const std::string& name);
  std::optional<std::string> cursor();                // as make_cursor() wrote it: what it carries
  std::optional<std::int64_t> id_cursor();            // one that carries an id
  std::optional<bool> flag(const std::string& name);  // `true` or `1`, `false` or `0`
  std::size_t limit();                                // 1…kPageMax, default 100

  void refuse(const std::string& name, std::string sentence);
  /// Refuses a cursor that does not carry what this list writes into its own.
  void refuse_cursor() { refuse("cursor", "Invalid cursor."); }

  /// Returns: the problem, or nothing when every parameter was right and given once.
  [[nodiscard]] std::optional<Problem> finish() const;

 private:
  std::optional<std::string> take(const std::string& name);

  Query query_;
  FieldErrors errors_;
};

/// Returns: an opaque cursor that carries `text`, and back; nothing when it is not one of ours.
std::string make_cursor(std::string_view text);
std::optional<std::string> read_cursor(std::string_view cursor);

/// Returns: a cursor for Parameters::id_cursor().
std::string make_cursor(std::int64_t id);

/// Returns: the Link header to the next page (RFC 8288): the same question with another cursor.
Header next_page(std::string_view path, const Query& query, std::string_view cursor);

}  // namespace codasync::api
