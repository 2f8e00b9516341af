#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/problem.hpp"
#include "api/uri.hpp"
#include "storage/reader.hpp"

namespace codasync::api {

/// The most values of one parameter.
inline constexpr std::size_t kValuesMax = 100;

/// The query parameters of a request. Read each one once, then call finish(), which reports all
/// errors together. A value that is not valid counts as absent until then. Unknown parameters are
/// refused earlier, by the route table (routes.hpp). Threads: one.
class Parameters {
 public:
  explicit Parameters(const Query& query) : query_{query} {}

  /// A text to filter by: trimmed, then checked by refuse_name(). An empty text counts as absent,
  /// because forms send every field.
  std::optional<std::string> text(const std::string& name);
  /// The words of such a text, sorted. White space between them may be tabs and line ends too.
  std::vector<std::string> words(const std::string& name);
  /// All values of a parameter that may be repeated, as they are.
  std::vector<std::string> texts(const std::string& name) const;
  /// Values with commas between them, each once; empty when the parameter is absent.
  std::vector<ShopId> shops(const std::string& name);
  std::vector<Gtin> gtins(const std::string& name);
  std::optional<Date> date(const std::string& name);        // as parse_date()
  std::optional<Instant> instant(const std::string& name);  // as parse_instant()
  std::optional<std::string> cursor();                      // the text given to make_cursor()
  std::optional<std::int64_t> id_cursor();                  // the id given to make_cursor()
  std::optional<bool> flag(const std::string& name);        // `true` or `1`, `false` or `0`
  std::optional<std::int64_t> number(const std::string& name, std::int64_t min,
                                     std::int64_t max = INT64_MAX);
  std::size_t limit();  // 1…kPageMax, default 100
  bool counts();        // whether `count` requests the header Total-Count
  /// Returns: the place of the value in `names`; nothing when the parameter is absent or empty.
  std::optional<std::size_t> one_of(const std::string& name,
                                    std::span<const std::string_view> names);

  /// Spells a parameter that was read, for canonical(); empty: it is the default.
  void spell(const std::string& name, std::string value) { spelled_[name] = std::move(value); }
  /// Returns: the parameters that were read, sorted by name, each value in one spelling, defaults
  /// left out: `a=1&b=2`, escaped. Queries with the same meaning have the same text.
  [[nodiscard]] std::string canonical() const;
  /// Returns: the path, with canonical() as its query, if there is one.
  [[nodiscard]] std::string address(std::string_view path) const;
  /// Returns: the Link header to the next page (RFC 8288): canonical() with another cursor, and
  /// without `count`, whose answer the client has.
  [[nodiscard]] Header next_page(std::string_view path, std::string_view cursor) const;

  /// Adds an error of a parameter: a sentence for the client.
  void refuse(const std::string& name, std::string sentence);
  /// Refuses a cursor that is not one of this list.
  void refuse_cursor() { refuse("cursor", "Invalid cursor."); }

  /// Returns: the problem, or nothing when all parameters are valid and none is repeated.
  [[nodiscard]] std::optional<Problem> finish() const;

 private:
  std::optional<std::string> take(const std::string& name);
  std::optional<std::string> filter_text(const std::string& name, std::string text);
  template <class Value, class Parse, class Print>
  std::vector<Value> values(const std::string& name, const Parse& parse, const Print& print);

  Query query_;
  FieldErrors errors_;
  std::map<std::string, std::string> spelled_;
};

/// Returns: an opaque cursor that contains `text`.
std::string make_cursor(std::string_view text);
/// Returns: the text in a cursor, or nothing for a text that is not a cursor.
std::optional<std::string> read_cursor(std::string_view cursor);

/// Returns: a cursor for Parameters::id_cursor().
std::string make_cursor(std::int64_t id);

}  // namespace codasync::api
