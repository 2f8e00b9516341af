#include "storage/model/barcode/barcode.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <set>

#include "storage/model/barcode/scanned_item.hpp"
#include "storage/model/text.hpp"
#include "tests/model/barcode_lines.hpp"

namespace codasync::barcode {
namespace {

using test::elements_of;
using test::text_of;
using testing::HasSubstr;

const std::filesystem::path kCases{CODASYNC_BARCODES};

ParseOptions options_of(const test::Json& row) {
  ParseOptions options{.today = test::kToday, .upc_e = test::flag_of(row, "upc_e")};
  if (row.HasMember("today")) options.today = *parse_date(text_of(row, "today"));
  if (row.HasMember("separator")) options.separator = text_of(row, "separator").front();
  return options;
}

ParsedCode parse_today(std::string_view code) { return parse(code, {.today = test::kToday}); }

ScannedItem item_of(const ParsedCode& code) {
  const auto item = merge({&code, 1});
  EXPECT_TRUE(item);
  return item ? *item : ScannedItem{};
}

std::string canonical(const std::optional<Gtin>& gtin) { return gtin ? gtin->canonical() : ""; }

void check_dates(const test::Json& row, const ParsedCode& parsed) {
  if (!row.HasMember("dates")) return;
  const auto& dates = row["dates"];
  ASSERT_EQ(parsed.elements.size(), dates.Size());
  for (rapidjson::SizeType i = 0; i < dates.Size(); ++i) {
    ASSERT_TRUE(parsed.elements[i].date);
    EXPECT_EQ(to_string(*parsed.elements[i].date), dates[i].GetString());
  }
}

void check_numbers(const test::Json& row, const ParsedCode& parsed) {
  if (!row.HasMember("numbers")) return;
  const auto& numbers = row["numbers"];
  ASSERT_EQ(parsed.elements.size(), numbers.Size());
  for (rapidjson::SizeType i = 0; i < numbers.Size(); ++i) {
    EXPECT_EQ(number_of(parsed.elements[i]).value_or(""), numbers[i].GetString());
  }
}

void check_alternatives(const test::Json& row, const ParsedCode& parsed) {
  const auto count = row.HasMember("alternatives") ? row["alternatives"].Size() : 0;
  ASSERT_EQ(parsed.alternatives.size(), count);
  for (rapidjson::SizeType i = 0; i < count; ++i) {
    const auto& expected = row["alternatives"][i];
    EXPECT_EQ(name_of(parsed.alternatives[i].form), expected[0].GetString());
    if (expected[1].IsString()) {
      EXPECT_EQ(canonical(parsed.alternatives[i].gtin), expected[1].GetString());
    }
  }
}

void check_item(const test::Json& row, const ParsedCode& parsed) {
  const auto item = item_of(parsed);
  const auto text = [](const std::optional<std::string>& value) { return value.value_or(""); };
  EXPECT_EQ(canonical(item.gtin), text_of(row, "gtin"));
  EXPECT_EQ(item.date ? to_string(item.date->date) : "", text_of(row, "date"));
  EXPECT_EQ(item.date ? name_of(*item.date->kind) : "", text_of(row, "kind"));
  EXPECT_EQ(text(item.lot), text_of(row, "lot"));
  EXPECT_EQ(text(item.serial), text_of(row, "serial"));
  EXPECT_EQ(text(item.weight), text_of(row, "weight"));
  EXPECT_EQ(item.gtin && item.gtin->restricted(), test::flag_of(row, "restricted"));
}

TEST(Barcode, each_code_of_the_table_has_its_meaning) {
  std::size_t count = 0;
  test::for_each_line(kCases, [&](const test::Json& row) {
    ++count;
    const auto code = text_of(row, "code");
    SCOPED_TRACE(text_of(row, "why") + ": " + code);
    const auto parsed = parse(code, options_of(row));
    EXPECT_EQ(name_of(parsed.form), text_of(row, "form"));
    EXPECT_EQ(parsed.symbology, text_of(row, "symbology"));
    EXPECT_EQ(canonical(parsed.gtin), text_of(row, "gtin"));
    EXPECT_EQ(test::texts_of(parsed.elements), elements_of(row, "elements"));
    check_alternatives(row, parsed);
    if (row.HasMember("error_at")) {
      ASSERT_TRUE(parsed.error);
      EXPECT_EQ(parsed.error->at, row["error_at"].GetUint64()) << parsed.error->detail;
      EXPECT_THAT(parsed.error->detail, testing::EndsWith("."));
      return;
    }
    ASSERT_FALSE(parsed.error) << parsed.error->at << ": " << parsed.error->detail;
    check_dates(row, parsed);
    check_numbers(row, parsed);
    check_item(row, parsed);
  });
  EXPECT_GT(count, 100U);
}

TEST(Barcode, a_code_with_too_many_elements_is_refused) {
  const auto code_of = [](std::size_t elements) {
    std::string code{"]d2"};
    for (std::size_t i = 0; i < elements; ++i) code += "2001";
    return code;
  };
  EXPECT_FALSE(parse_today(code_of(50)).error);
  const auto parsed = parse_today(code_of(51));
  ASSERT_TRUE(parsed.error);
  EXPECT_THAT(parsed.error->detail, HasSubstr("more than 50 elements"));
}

TEST(Barcode, that_is_neither_a_gtin_nor_gs1_data_says_so) {
  const auto detail_of = [](std::string_view code) { return parse_today(code).error->detail; };
  for (const auto* code : {"ABC-123", " 4006381333931", "www.example.com/01/04006381333931"}) {
    EXPECT_EQ(
        detail_of(code),
        "This is neither a GTIN nor GS1 data; these begin with an application identifier (AI).")
        << code;
  }
  EXPECT_EQ(detail_of("010400638133393188881"),
            "No application identifier (AI) of GS1 is here; the element before it could be read.");
}

TEST(Barcode, an_element_has_the_position_where_it_begins) {
  const auto parsed = parse_today(
      "]C1\x1d"
      "0109521234543213"
      "17261224"
      "10A{GS}21B");
  ASSERT_FALSE(parsed.error);
  std::vector<std::size_t> places;
  for (const auto& element : parsed.elements) places.push_back(element.at);
  EXPECT_THAT(places, testing::ElementsAre(4, 20, 28, 35));
}

// ---- several codes of one item

std::vector<ParsedCode> parse_all(const std::vector<std::string_view>& codes) {
  std::vector<ParsedCode> parsed;
  for (const auto code : codes) parsed.push_back(parse_today(code));
  return parsed;
}

TEST(Element, of_a_measure_or_an_amount_is_a_number) {
  const auto number = [](std::string ai, std::string value) {
    return number_of({std::move(ai), std::move(value), 0, std::nullopt}).value_or("none");
  };
  EXPECT_EQ(number("3103", "001750"), "1.75");
  EXPECT_EQ(number("3100", "000012"), "12");
  EXPECT_EQ(number("3925", "12"), "0.00012") << "fewer digits than decimals";
  EXPECT_EQ(number("3912", "97812345"), "123.45") << "after the currency";
  EXPECT_EQ(number("3932", "978199"), "1.99");
  EXPECT_EQ(number("3020", "12"), "none");
  EXPECT_EQ(number("7003", "2612242359"), "none");
  EXPECT_EQ(number("37", "8"), "none");
}

TEST(ScannedItem, two_symbols_of_a_pack_are_one_item) {
  const auto item = merge(parse_all({"]E09521234543213", "]d2172612241012AB", "]Q1 a text"}));
  ASSERT_TRUE(item);
  EXPECT_EQ(canonical(item->gtin), "9521234543213");
  EXPECT_EQ(to_string(item->date->date), "2026-12-24");
  EXPECT_EQ(item->lot, "12AB");
}

TEST(ScannedItem, codes_with_errors_are_left_out) {
  const auto item = merge(parse_all({"]E09521234543213", "]d217261332"}));
  ASSERT_TRUE(item);
  EXPECT_EQ(canonical(item->gtin), "9521234543213");
  EXPECT_FALSE(item->date);
}

TEST(ScannedItem, codes_that_agree_may_repeat_each_other) {
  EXPECT_TRUE(merge(parse_all({"]E09521234543213", "0109521234543213", "09521234543213"})));
  EXPECT_TRUE(merge(parse_all({"17261224", "(17)261224"})));
}

TEST(ScannedItem, codes_that_contradict_each_other_are_refused) {
  struct Case {
    std::vector<std::string_view> codes;
    std::size_t later;
    const char* detail;
  };
  for (const auto& [codes, later, detail] : {
           Case{{"9521234543213", "]d217261224", "96385074"}, 2, "9521234543213 and 96385074"},
           Case{{"9521234543213", "(01)10614141000415"}, 1, "9521234543213 and 10614141000415"},
           Case{{"(17)261224", "(17)261231"}, 1, "17 has two different values"},
           Case{{"(10)A", "9521234543213", "(10)B"}, 2, "10 has two different values"},
           Case{{"(01)09521234543213", "(02)09521234543213(37)6"}, 1, "or the other"},
           Case{{"(37)6", "(01)09521234543213"}, 1, "or the other"},
       }) {
    const auto item = merge(parse_all(codes));
    ASSERT_FALSE(item) << codes[0];
    EXPECT_EQ(item.error().code, later) << codes[0];
    EXPECT_THAT(item.error().detail, HasSubstr(detail));
  }
}

TEST(ScannedItem, nothing_is_known_without_codes) {
  const auto item = merge({});
  ASSERT_TRUE(item);
  EXPECT_FALSE(item->gtin || item->date || item->lot || item->serial || item->weight);
}

// ---- any text

/// Changes a code in random places.
class Mutations {
 public:
  explicit Mutations(std::uint64_t seed) : engine_{seed} {}

  std::string mutate(std::string code, const std::vector<std::string>& codes) {
    for (auto steps = below(4) + 1; steps > 0; --steps) {
      const auto at = below(code.size() + 1);
      switch (below(6)) {
        case 0:
          code.insert(at, 1, character());
          break;
        case 1:
          code.erase(at, below(8));
          break;
        case 2:
          if (at < code.size()) code[at] = character();
          break;
        case 3:
          code.insert(at, piece());
          break;
        case 4: {
          const auto& other = codes[below(codes.size())];
          code = code.substr(0, at) + other.substr(below(other.size() + 1));
          break;
        }
        default:
          code += code.substr(at);
      }
      code.resize(std::min<std::size_t>(code.size(), 300));
    }
    return code;
  }

 private:
  std::size_t below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>{0, end - 1}(engine_);
  }
  char character() {
    return below(2) == 0 ? static_cast<char>('0' + below(10)) : static_cast<char>(below(256));
  }
  std::string piece() {
    static const std::vector<std::string> kPieces{"\x1d",     "{GS}",
                                                  "<GS>",     "\u241d",
                                                  "^]",       "]d2",
                                                  "]E0",      "|]e0",
                                                  "(",        ")",
                                                  "\\(",      "01",
                                                  "17",       "7003",
                                                  "3103",     "8003",
                                                  "89",       "%2f",
                                                  "%0",       "%00",
                                                  "/01/",     "?17=",
                                                  "https://", "+",
                                                  "&",        "#",
                                                  "00",       "000000",
                                                  "]",        "\xe2",
                                                  "~",        "99",
                                                  "=",        "09521234543213"};
    return kPieces[below(kPieces.size())];
  }

  std::mt19937_64 engine_;
};

void check_any(std::string_view code, const ParseOptions& options) {
  const auto parsed = parse(code, options);
  if (parsed.error) {
    EXPECT_LE(parsed.error->at, code.size());
    EXPECT_FALSE(parsed.error->detail.empty());
    EXPECT_EQ(to_valid_utf8(parsed.error->detail, 10'000), parsed.error->detail);
  }
  std::size_t before = 0;
  for (const auto& element : parsed.elements) {
    EXPECT_GE(element.at, before);
    EXPECT_LT(element.at, code.size());
    EXPECT_TRUE(std::ranges::all_of(element.value, [](char c) { return c > ' ' && c <= '~'; }));
    before = element.at;
  }
  // What was accepted is read again as the same text in brackets.
  if (parsed.error || parsed.elements.empty()) return;
  std::string printed;
  for (const auto& element : parsed.elements) {
    printed += "(" + element.ai + ")";
    for (const char c : element.value) printed += c == '(' ? std::string{"\\("} : std::string{c};
  }
  const auto again = parse(printed, options);
  EXPECT_FALSE(again.error) << again.error->detail;
  EXPECT_EQ(test::texts_of(again.elements), test::texts_of(parsed.elements));
}

TEST(Barcode, any_text_is_parsed_or_refused_at_one_of_its_bytes) {
  std::vector<std::string> codes;
  test::for_each_line(kCases,
                      [&](const test::Json& row) { codes.push_back(text_of(row, "code")); });
  const char* given = std::getenv("CODASYNC_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 20261129;
  SCOPED_TRACE("CODASYNC_TEST_SEED=" + std::to_string(seed));
  Mutations mutations{seed};
  constexpr int kCodes = 200'000;
  std::set<std::string> details;
  int accepted = 0;
  for (int i = 0; i < kCodes && !testing::Test::HasFailure(); ++i) {
    const auto code = mutations.mutate(codes[static_cast<std::size_t>(i) % codes.size()], codes);
    SCOPED_TRACE(testing::PrintToString(code));
    const ParseOptions options{.today = test::kToday,
                               .upc_e = i % 7 == 0,
                               .separator = i % 5 == 0 ? std::optional{'~'} : std::nullopt};
    check_any(code, options);
    const auto parsed = parse(code, options);
    accepted += parsed.error ? 0 : 1;
    if (parsed.error) details.insert(parsed.error->detail);
  }
  // The mutations reach most of the parser.
  EXPECT_GT(accepted, kCodes / 20);
  EXPECT_GT(details.size(), 30U);
}

}  // namespace
}  // namespace codasync::barcode
