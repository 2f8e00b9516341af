// The vectors and the dictionary that GS1 publishes. They are not part of the repository: in the
// folder CODASYNC_TEST_DATA, or in the shared data folder beside the repository.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "storage/model/barcode/application_identifier.hpp"
#include "storage/model/barcode/barcode.hpp"
#include "storage/model/gtin.hpp"
#include "tests/model/barcode_lines.hpp"

namespace codasync::barcode {
namespace {

namespace fs = std::filesystem;
using test::text_of;

fs::path data_folder() {
  const char* given = std::getenv("CODASYNC_TEST_DATA");
  return (given != nullptr ? fs::path{given} : fs::path{CODASYNC_TEST_DATA_DEFAULT}) / "gs1";
}

class Gs1Vectors : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(data_folder()))
      GTEST_SKIP() << "no data in " << data_folder() << "; set CODASYNC_TEST_DATA";
  }
};

ParsedCode parse_today(std::string_view code) { return parse(code, {.today = test::kToday}); }

/// The vectors that do not apply, by id, and why. Values of AIs that are only skipped have the
/// length and the characters that the dictionary says, and are not looked into.
constexpr const char* kContent = "a rule about the content of an AI that is only skipped";
constexpr const char* kPartial =
    "a scan may be a part of an item, so other AIs are not required; only 01 with 02 or 37 is "
    "refused";
constexpr const char* kMakes = "it is about making codes";
const std::map<std::string, const char*> kNotApplicable{
    {"gse-0127", "it calls a function inside of the engine; an empty code is an error here"},
    {"gse-0055", kMakes},
    {"gse-0091", kMakes},
    {"gse-0093", kMakes},
    {"gse-0097", kMakes},
    {"gse-0507", kMakes},
    {"gse-0517", kMakes},
    {"gse-0519", kMakes},
    {"gse-0521", "it needs an option that permits unknown AIs"},
    {"gse-0229", kPartial},
    {"gse-0231", kPartial},
    {"gse-0233", kPartial},
    {"gse-0239", kPartial},
    {"gse-0241", kPartial},
    {"gse-0243", kPartial},
    {"gse-0249", kPartial},
    {"gse-0251", kPartial},
    {"gse-0277", kPartial},
    {"gse-0283", kPartial},
    {"gse-0293", kContent},
    {"gse-0295", kContent},
    {"gse-0297", kContent},
    {"gse-0299", kContent},
    {"gse-0301", kContent},
    {"gse-0303", kContent},
    {"gse-0305", kContent},
    {"gse-0307", kContent},
    {"gse-0309", kContent},
    {"gse-0317", kContent},
    {"gse-0319", kContent},
    {"gse-0375", kContent},
    {"gse-0377", kContent},
    {"gse-0379", kContent},
};

/// Returns: why a vector does not apply; empty: it applies.
std::string not_applicable(const test::Json& row) {
  const auto found = kNotApplicable.find(text_of(row, "id"));
  if (found != kNotApplicable.end()) return found->second;
  if (text_of(row, "expect_error_code").starts_with("GS1_LINTER_COUPON")) return kContent;
  return {};
}

/// Returns: the raw vector as a scanner sends it: `^` stands for the separator there.
std::string sent(std::string raw) {
  if (raw.starts_with('^')) raw.erase(0, 1);
  std::ranges::replace(raw, '^', '\x1d');
  return "]d2" + raw;
}

std::string code_of(const test::Json& row) {
  const auto kind = text_of(row, "kind");
  if (kind == "raw_element_string") return sent(text_of(row, "input"));
  if (kind == "generate_scan_data") return text_of(row, "expect_scan");
  if (kind == "generate_dl_uri") return text_of(row, "expect_uri");
  return text_of(row, "input");
}

/// Returns: what the reference engine says with its default options.
bool is_valid(const test::Json& row) {
  return test::flag_of(row, row.HasMember("differs_because") ? "engine_valid" : "published_valid");
}

void check_vector(const test::Json& row) {
  const auto code = code_of(row);
  SCOPED_TRACE(text_of(row, "id") + " " + text_of(row, "kind") + ": " + code);
  const auto parsed = parse_today(code);
  if (!is_valid(row)) {
    ASSERT_TRUE(parsed.error);
    EXPECT_LE(parsed.error->at, code.size());
    const auto markup = text_of(row, "expect_error_markup");
    if (!markup.empty()) {
      EXPECT_EQ(parsed.error->at, markup.find('|'));
    }
    return;
  }
  ASSERT_FALSE(parsed.error) << parsed.error->at << ": " << parsed.error->detail;
  if (row.HasMember("ais")) {
    EXPECT_EQ(test::texts_of(parsed.elements), test::elements_of(row, "ais"));
  }
  if (text_of(row, "kind") == "generate_dl_uri") {
    // The link has the elements of the bracketed text, in its own order.
    const auto made_of = test::texts_of(parse_today(text_of(row, "input")).elements);
    const auto found = test::texts_of(parsed.elements);
    EXPECT_EQ((std::set(found.begin(), found.end())), (std::set(made_of.begin(), made_of.end())));
  }
}

TEST_F(Gs1Vectors, codes_are_read_as_the_reference_engine_reads_them) {
  std::size_t checked = 0;
  std::size_t left_out = 0;
  test::for_each_line(data_folder() / "syntax_engine_vectors.jsonl", [&](const test::Json& row) {
    if (const auto why = not_applicable(row); !why.empty()) {
      ++left_out;
      std::cout << text_of(row, "id") << " does not apply: " << why << "\n";
      return;
    }
    ++checked;
    check_vector(row);
  });
  std::cout << checked << " vectors checked, " << left_out << " do not apply\n";
  EXPECT_GT(checked, 150U);
}

/// Vectors of the tests of single values: an AI that has this part, and the text before it.
struct Linter {
  const char* ai;
  const char* before;
};
const std::map<std::string, Linter> kLinters{
    {"yymmd0", {"11", ""}}, {"yymmdd", {"7006", ""}}, {"hhmi", {"7003", "261224"}}};

void check_component(const test::Json& row, const Linter& linter) {
  const auto before = std::string{"("} + linter.ai + ")" + linter.before;
  const auto code = before + text_of(row, "input");
  SCOPED_TRACE(text_of(row, "id") + ": " + code);
  const auto parsed = parse_today(code);
  ASSERT_EQ(!parsed.error, test::flag_of(row, "valid"));
  // The place of the error, except of a wrong length: the engine marks the whole value.
  if (parsed.error && !text_of(row, "error").ends_with("TOO_SHORT") &&
      !text_of(row, "error").ends_with("TOO_LONG")) {
    EXPECT_EQ(parsed.error->at, before.size() + text_of(row, "markup").find('*'));
  }
}

/// Check digits of numbers of any length; other characters with the AI of 18 digits.
void check_digit(const test::Json& row) {
  const auto input = text_of(row, "input");
  SCOPED_TRACE(text_of(row, "id") + ": " + input);
  const bool digits = !input.empty() && input.find_first_not_of("0123456789") == std::string::npos;
  EXPECT_EQ(digits ? has_good_check_digit(input) : !parse_today("(00)" + input).error,
            test::flag_of(row, "valid"));
}

TEST_F(Gs1Vectors, values_are_checked_as_the_reference_tests_check_them) {
  std::size_t checked = 0;
  test::for_each_line(data_folder() / "component_linter_vectors.jsonl", [&](const test::Json& row) {
    ++checked;
    if (text_of(row, "linter") == "csum") return check_digit(row);
    check_component(row, kLinters.at(text_of(row, "linter")));
  });
  EXPECT_GT(checked, 200U);
}

// ---- the dictionary

Part read_part(std::string text) {
  Part part;
  part.optional = text.starts_with('[');
  std::erase_if(text, [](char c) { return c == '[' || c == ']'; });
  const auto comma = std::min(text.find(','), text.size());
  const auto checks = text.substr(comma) + ",";
  part.characters = std::map<char, CharacterSet>{{'N', CharacterSet::digits},
                                                 {'X', CharacterSet::set_82},
                                                 {'Y', CharacterSet::set_39},
                                                 {'Z', CharacterSet::base64url}}
                        .at(text[0]);
  const bool variable = text.substr(1).starts_with("..");
  part.length_max = static_cast<std::uint8_t>(std::stoi(text.substr(variable ? 3 : 1)));
  part.length_min = variable ? std::uint8_t{1} : part.length_max;
  for (const auto& [check, content] : {std::pair{",csum,", Content::check_digit},
                                       {",yymmd0,", Content::date},
                                       {",yymmdd,", Content::full_date},
                                       {",hhmi,", Content::time},
                                       {",hh,", Content::hour},
                                       {",mi,", Content::sixtieth},
                                       {",ss,", Content::sixtieth}}) {
    if (checks.find(check) != std::string::npos) part.content = content;
  }
  return part;
}

std::string describe(const Part& part) {
  return std::to_string(int(part.characters)) + "/" + std::to_string(int(part.content)) + "/" +
         std::to_string(part.length_min) + "/" + std::to_string(part.length_max) +
         (part.optional ? "?" : "");
}

std::string describe(bool predefined, const std::vector<Part>& parts) {
  std::string text{predefined ? "*" : ""};
  for (const auto& part : parts) text += " " + describe(part);
  return text;
}

/// Returns: the form of each AI of the dictionary, as describe() writes it.
std::map<std::string, std::string> dictionary() {
  std::map<std::string, std::string> forms;
  std::ifstream in{data_folder() / "gs1-syntax-dictionary.txt"};
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words{line};
    std::string ais;
    std::string word;
    words >> ais;
    bool predefined = false;
    std::vector<Part> parts;
    while (words >> word && word != "#" && word.find('=') == std::string::npos) {
      if (std::string_view{"NXYZ["}.find(word[0]) != std::string_view::npos) {
        parts.push_back(read_part(word));
      } else {
        predefined = predefined || word.find('*') != std::string::npos;
      }
    }
    const auto dash = std::min(ais.find('-'), ais.size());
    const auto first = ais.substr(0, dash);
    const auto last = dash == ais.size() ? first : ais.substr(dash + 1);
    for (int ai = std::stoi(first); ai <= std::stoi(last); ++ai) {
      auto digits = std::to_string(ai);
      digits.insert(0, first.size() - digits.size(), '0');
      forms[digits] = describe(predefined, parts);
    }
  }
  return forms;
}

TEST_F(Gs1Vectors, the_table_of_application_identifiers_is_that_of_the_dictionary) {
  std::map<std::string, std::string> known;
  for (const std::size_t length : {2U, 3U, 4U}) {
    for (int ai = 0; ai < 10'000; ++ai) {
      auto digits = std::to_string(ai);
      if (digits.size() > length) break;
      digits.insert(0, length - digits.size(), '0');
      const auto* form = find_ai(digits);
      if (form == nullptr) continue;
      known[digits] =
          describe(form->predefined_length,
                   {form->parts.begin(), form->parts.begin() + std::ptrdiff_t(form->part_count)});
    }
  }
  EXPECT_EQ(known, dictionary());
}

}  // namespace
}  // namespace codasync::barcode
