// Files that were cut, mixed, wrongly encoded or shifted, made at random. Whatever happened to a
// file: an import ends, and each value of the file is delivered, or belongs to a row or a file that
// is refused.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "storage/import/utf8_source.hpp"
#include "storage/model/text.hpp"
#include "tests/storage/import/collected.hpp"

namespace codasync::storage {
namespace {

constexpr int kFiles = 1'000;

/// Makes files and damages them.
class Damage {
 public:
  explicit Damage(std::uint64_t seed) : random_{seed} {}

  std::size_t below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>{0, end - 1}(random_);
  }
  bool one_of(std::size_t count) { return below(count) == 0; }

  std::string gtin() {
    std::string digits = "952";
    while (digits.size() < 12) digits += static_cast<char>('0' + below(10));
    int sum = 0;
    for (std::size_t i = 0; i < digits.size(); ++i) sum += (digits[i] - '0') * (i % 2 == 0 ? 1 : 3);
    return digits + static_cast<char>('0' + (10 - sum % 10) % 10);
  }

  /// Returns: a file; the values that must not get lost are added to `values`.
  std::string file(ImportKind kind, std::set<std::string>& values) {
    const char separator = ",;\t|"[below(4)];
    const std::string line_end = one_of(3) ? "\r\n" : "\n";
    const bool products = kind == ImportKind::products;
    std::string text = one_of(4) ? "\xEF\xBB\xBF" : "";
    if (one_of(5)) text += "Export of today" + line_end;
    for (const auto* name : products ? std::vector{"GTIN", "Name", "Brand", "Category"}
                                     : std::vector{"Shop", "GTIN", "Expiry date", "Qty", "Name"}) {
      text += std::string{text.empty() || text.ends_with('\n') || text.ends_with('\xBF')
                              ? ""
                              : std::string{separator}} +
              name;
    }
    text += line_end;
    const auto rows = 1 + below(40);
    for (std::size_t i = 0; i < rows; ++i) {
      const auto code = gtin();
      std::string name = "N" + std::to_string(10'000'000 + below(80'000'000)) + "x";
      values.insert(code);
      values.insert(name);
      if (one_of(4)) name = "\"" + name + separator + " large\"";
      if (one_of(5)) name += " Käse";
      if (one_of(300)) name = "\"" + name.substr(name.starts_with('"') ? 1 : 0);
      const std::string s{separator};
      text += products ? code + s + name + s + (one_of(3) ? "" : "Mill") + s + "Bread"
                       : std::to_string(1 + below(9)) + s + code + s + "2027-0" +
                             std::to_string(1 + below(9)) + "-1" + std::to_string(below(10)) + s +
                             (one_of(4) ? "" : std::to_string(below(99))) + s + name;
      text += line_end;
    }
    return text;
  }

  std::string damaged(std::string text, const std::string& other) {
    for (auto count = 1 + below(3); count > 0 && !text.empty(); --count) {
      const auto at = below(text.size());
      switch (below(14)) {
        case 0:  // cut at the end
          text.resize(at);
          break;
        case 1:  // cut at the front
          text.erase(0, at);
          break;
        case 2:  // a piece is missing
          text.erase(at, below(200));
          break;
        case 3:  // mixed with another file
          text = text.substr(0, at) + other.substr(below(other.size() + 1));
          break;
        case 4:
          text.insert(at, other.substr(0, below(other.size() + 1)));
          break;
        case 5:  // a broken byte
          text[at] = static_cast<char>(below(256));
          break;
        case 6:  // shifted fields
          text.insert(at, 1, ",;\t|"[below(4)]);
          break;
        case 7: {
          const auto separator = text.find_first_of(",;\t|", at);
          if (separator != text.npos) text.erase(separator, 1);
          break;
        }
        case 8:  // quotation marks
          text.insert(at, 1, '"');
          break;
        case 9:  // line ends
          text.insert(at, one_of(2) ? "\n" : "\r");
          break;
        case 10:  // a part in another encoding
          text = text.substr(0, at) + wide(text.substr(at));
          break;
        case 11:
          text = "\xFF\xFE" + wide(text);
          break;
        case 12:  // Latin letters as single bytes
          for (auto found = text.find("\xC3\xA4"); found != text.npos;
               found = text.find("\xC3\xA4"))
            text.replace(found, 2, "\xE4");
          break;
        default:  // a part twice
          text.insert(at, text.substr(at, below(300)));
      }
    }
    return text;
  }

 private:
  static std::string wide(const std::string& text) {
    std::string units;
    for (const char c : text) units += {c, '\0'};
    return units;
  }

  std::mt19937_64 random_;
};

/// Returns: the lines of a file, as the import counts them, from 1.
std::vector<std::string> lines_of(const std::string& bytes, const FileEncoding& encoding) {
  std::istringstream in{bytes};
  StreamSource stream{in};
  Utf8Source source{stream, encoding};
  std::vector<std::string> lines{""};
  char last = '\0';
  for (auto piece = source.next(); !piece.empty(); piece = source.next()) {
    for (const char c : piece) {
      if (c == '\n' && last == '\r') {
        last = '\0';
        continue;
      }
      last = c;
      if (c == '\n' || c == '\r') {
        lines.emplace_back();
      } else {
        lines.back() += c;
      }
    }
  }
  return lines;
}

std::string texts_of(const ProductRow& row) {
  return row.gtin.canonical() + " " + row.name + " " + row.brand.value_or("") + " " +
         row.category.value_or("");
}
std::string texts_of(const ImportedReading& row) {
  return std::to_string(row.shop.value()) + " " + row.gtin.canonical() + " " +
         row.name.value_or("");
}

/// Returns: whether the value is in a column that the plan names as not used. In a line with
/// quotation marks the fields are not counted.
bool is_in_unused_column(const FilePlan& plan, const std::string& line, const std::string& value) {
  const auto unused = [](const ColumnUse& column) {
    return column.use == ColumnUse::Use::not_used || column.use == ColumnUse::Use::known_unused;
  };
  if (line.find('"') != std::string::npos) return std::ranges::any_of(plan.columns.columns, unused);
  const auto before = line.substr(0, line.find(value));
  const auto position = static_cast<std::size_t>(std::ranges::count(before, plan.delimiter));
  return position < plan.columns.columns.size() && unused(plan.columns.columns[position]);
}

/// Returns: what is wrong with an import of these bytes; empty: nothing.
template <class Row>
std::string problem_of(const std::string& bytes, const std::set<std::string>& values,
                       const ImportOptions& options, std::map<std::string, int>& outcomes) {
  test::Collected<Row> collected;
  const auto outcome = test::import_text(bytes, options, collected);
  if (!outcome) {
    ++outcomes["file refused"];
    if (outcome.error().reason.empty()) return "refused without a reason";
    return collected.batches.empty() ? "" : "refused after rows were delivered";
  }
  const auto rows = collected.rows();
  if (outcome->rows() == 0) return "success without a row";
  if (outcome->accepted != rows.size() + (std::is_same_v<Row, ProductRow> ? outcome->repeated : 0))
    return "the counts are wrong";
  if (outcome->refused != collected.refused.size()) return "a refusal was not reported";
  ++outcomes[outcome->refused == 0 ? "all rows taken" : "some rows refused"];

  std::string all;
  std::map<std::size_t, std::string> records;  // by line; an empty text: refused
  for (const auto& row : rows) {
    all += texts_of(row) + "\n";
    records[row.line] = texts_of(row);
  }
  for (const auto& refusal : collected.refused) records[refusal.line] = "";
  const auto lines = lines_of(bytes, options.encoding);
  for (std::size_t line = collected.plan->header_line + 1; line <= lines.size(); ++line) {
    for (const auto& value : values) {
      if (lines[line - 1].find(value) == std::string::npos) continue;
      if (all.find(value) != std::string::npos) continue;
      if (is_in_unused_column(*collected.plan, lines[line - 1], value)) continue;
      if (outcome->repeated > 0) continue;  // the last row of a GTIN counts
      const auto after = records.upper_bound(line);
      if (after == records.begin())
        return "line " + std::to_string(line) + ": " + value + " is lost";
      if (std::prev(after)->second.empty()) continue;
      return "line " + std::to_string(line) + ": " + value + " is in no accepted or refused row";
    }
  }
  return "";
}

TEST(DamagedFiles, lose_no_value_without_a_word) {
  const char* given = std::getenv("CODASYNC_TEST_SEED");
  const auto seed = given != nullptr ? std::stoull(given) : std::random_device{}();
  std::cout << "CODASYNC_TEST_SEED=" << seed << "\n";
  Damage damage{seed};
  std::map<std::string, int> outcomes;
  for (int i = 0; i < kFiles; ++i) {
    std::set<std::string> values;
    const auto kind = damage.one_of(2) ? ImportKind::products : ImportKind::readings;
    const auto file = damage.file(kind, values);
    const auto other = damage.file(damage.one_of(4) ? ImportKind::products : kind, values);
    const auto bytes = damage.damaged(file, other);
    ImportOptions options;
    if (damage.one_of(2)) options.encoding = *parse_file_encoding("utf-8");
    if (damage.one_of(2)) options.lots = LotRule::sum;
    if (damage.one_of(10)) options.encoding = *parse_file_encoding("windows-1252");
    const auto problem = kind == ImportKind::products
                             ? problem_of<ProductRow>(bytes, values, options, outcomes)
                             : problem_of<ImportedReading>(bytes, values, options, outcomes);
    ASSERT_EQ(problem, "") << "file " << i << " of the seed:\n" << bytes;
  }
  for (const auto& [outcome, count] : outcomes) {
    std::cout << count << " " << outcome << "\n";
    EXPECT_GT(count, kFiles / 50) << "the damage is of one kind only";
  }
}

}  // namespace
}  // namespace codasync::storage
