#include "storage/model/barcode/application_identifier.hpp"

#include <algorithm>
#include <iterator>

#include "storage/model/number.hpp"

namespace codasync::barcode {
namespace {

/// Reads one part of a pattern, such as `N14c`, `X..20` or `[N3]`.
consteval Part read_part(std::string_view text) {
  Part part;
  part.optional = text.front() == '[';
  if (part.optional) text = text.substr(1, text.size() - 2);
  switch (text.front()) {
    case 'N':
      part.characters = CharacterSet::digits;
      break;
    case 'X':
      part.characters = CharacterSet::set_82;
      break;
    case 'Y':
      part.characters = CharacterSet::set_39;
      break;
    case 'Z':
      part.characters = CharacterSet::base64url;
      break;
    default:
      throw "unknown characters";
  }
  text.remove_prefix(1);
  const bool variable = text.starts_with("..");
  if (variable) text.remove_prefix(2);
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1)) {
    part.length_max = static_cast<std::uint8_t>(part.length_max * 10 + (text.front() - '0'));
  }
  part.length_min = variable ? std::uint8_t{1} : part.length_max;
  if (text.empty()) return part;
  switch (text.front()) {
    case 'c':
      part.content = Content::check_digit;
      break;
    case 'd':
      part.content = Content::date;
      break;
    case 'f':
      part.content = Content::full_date;
      break;
    case 't':
      part.content = Content::time;
      break;
    case 'h':
      part.content = Content::hour;
      break;
    case 's':
      part.content = Content::sixtieth;
      break;
    default:
      throw "unknown content";
  }
  return part;
}

/// `pattern`: the parts with blanks between. `*` before them: the length is predefined.
consteval ApplicationIdentifier ai(std::string_view first, std::string_view last,
                                   std::string_view pattern) {
  ApplicationIdentifier made{first, last, pattern.starts_with('*'), {}, 0};
  if (made.predefined_length) pattern.remove_prefix(1);
  while (!pattern.empty()) {
    const auto end = std::min(pattern.find(' '), pattern.size());
    made.parts.at(made.part_count++) = read_part(pattern.substr(0, end));
    pattern.remove_prefix(std::min(end + 1, pattern.size()));
  }
  return made;
}
consteval ApplicationIdentifier ai(std::string_view digits, std::string_view pattern) {
  return ai(digits, digits, pattern);
}

// Source: the GS1 Barcode Syntax Dictionary (ref.gs1.org), as of 2025. N: digits, X: character set
// 82, Y: 39, Z: base64url; `..`: at most. c: check digit, d: date, f: date without day 00, t: HHMM,
// h: hours, s: minutes or seconds. A test compares the table with the dictionary.
// clang-format off
constexpr ApplicationIdentifier kTable[] = {
    ai("00", "*N18c"),            ai("01", "03", "*N14c"),      ai("10", "X..20"),
    ai("11", "13", "*N6d"),       ai("15", "17", "*N6d"),       ai("20", "*N2"),
    ai("21", "22", "X..20"),      ai("235", "X..28"),           ai("240", "241", "X..30"),
    ai("242", "N..6"),            ai("243", "X..20"),           ai("250", "251", "X..30"),
    ai("253", "N13c [X..17]"),    ai("254", "X..20"),           ai("255", "N13c [N..12]"),
    ai("30", "N..8"),
    // measures: the last digit is the number of decimals
    ai("3100", "3165", "*N6"),    ai("3200", "3295", "*N6"),    ai("3300", "3375", "*N6"),
    ai("3400", "3495", "*N6"),    ai("3500", "3575", "*N6"),    ai("3600", "3695", "*N6"),
    ai("37", "N..8"),             ai("3900", "3909", "N..15"),  ai("3910", "3919", "N3 N..15"),
    ai("3920", "3929", "N..15"),  ai("3930", "3939", "N3 N..15"), ai("3940", "3943", "N4"),
    ai("3950", "3955", "N6"),
    ai("400", "401", "X..30"),    ai("402", "N17c"),            ai("403", "X..30"),
    ai("410", "417", "*N13c"),    ai("420", "X..20"),           ai("421", "N3 X..9"),
    ai("422", "N3"),              ai("423", "N3 [N3] [N3] [N3] [N3]"), ai("424", "N3"),
    ai("425", "N3 [N3] [N3] [N3] [N3]"), ai("426", "N3"),       ai("427", "X..3"),
    ai("4300", "4301", "X..35"),  ai("4302", "4306", "X..70"),  ai("4307", "X2"),
    ai("4308", "X..30"),          ai("4309", "N10 N10"),        ai("4310", "4311", "X..35"),
    ai("4312", "4316", "X..70"),  ai("4317", "X2"),             ai("4318", "X..20"),
    ai("4319", "X..30"),          ai("4320", "X..35"),          ai("4321", "4323", "N1"),
    ai("4324", "4325", "N6d N4t"), ai("4326", "N6f"),           ai("4330", "4333", "N6 [X1]"),
    ai("7001", "N13"),            ai("7002", "X..30"),          ai("7003", "N6f N4t"),
    ai("7004", "N..4"),           ai("7005", "X..12"),          ai("7006", "N6f"),
    ai("7007", "N6f [N6f]"),      ai("7008", "X..3"),           ai("7009", "X..10"),
    ai("7010", "X..2"),           ai("7011", "N6f [N4t]"),      ai("7020", "7022", "X..20"),
    ai("7023", "X..30"),          ai("7030", "7039", "N3 X..27"), ai("7040", "N1 X1 X1 X1"),
    ai("7041", "X..4"),           ai("710", "717", "X..20"),    ai("7230", "7239", "X2 X..28"),
    ai("7240", "X..20"),          ai("7241", "N2"),             ai("7242", "X..25"),
    ai("7250", "N8"),             ai("7251", "N8 N4t"),         ai("7252", "N1"),
    ai("7253", "7254", "X..40"),  ai("7255", "X..10"),          ai("7256", "X..90"),
    ai("7257", "X..70"),          ai("7258", "X3"),             ai("7259", "X..40"),
    ai("8001", "N4 N5 N3 N1 N1"), ai("8002", "X..20"),          ai("8003", "N1 N13c [X..16]"),
    ai("8004", "X..30"),          ai("8005", "N6"),             ai("8006", "N14c N4"),
    ai("8007", "X..34"),          ai("8008", "N6f N2h [N2s] [N2s]"), ai("8009", "X..50"),
    ai("8010", "Y..30"),          ai("8011", "N..12"),          ai("8012", "X..20"),
    ai("8013", "8014", "X..25"),  ai("8017", "8018", "N18c"),   ai("8019", "N..10"),
    ai("8020", "X..25"),          ai("8026", "N14c N4"),        ai("8030", "Z..90"),
    ai("8040", "8041", "N15"),    ai("8042", "N32"),            ai("8043", "N18 [N..2]"),
    ai("8110", "X..70"),          ai("8111", "N4"),             ai("8112", "X..70"),
    ai("8200", "X..70"),          ai("90", "X..30"),            ai("91", "99", "X..90"),
};
// clang-format on

constexpr std::size_t first_two(std::string_view digits) {
  return static_cast<std::size_t>((digits[0] - '0') * 10 + (digits[1] - '0'));
}

/// The lines of the table whose AIs begin with the same two digits. All of these have equal
/// lengths.
struct Lines {
  std::uint8_t begin;
  std::uint8_t end;
};

constexpr auto kByFirstTwo = [] {
  static_assert(std::size(kTable) < 255);
  std::array<Lines, 100> all{};
  for (std::size_t i = 0; i < std::size(kTable); ++i) {
    for (auto two = first_two(kTable[i].first); two <= first_two(kTable[i].last); ++two) {
      auto& lines = all.at(two);
      if (lines.end == 0) lines.begin = static_cast<std::uint8_t>(i);
      if (kTable[i].first.size() != kTable[lines.begin].first.size()) throw "unequal lengths";
      lines.end = static_cast<std::uint8_t>(i + 1);
    }
  }
  return all;
}();

/// Requires: as many digits as the AIs of the line have.
constexpr bool fits(const ApplicationIdentifier& line, std::string_view digits) {
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] < line.first[i] || digits[i] > line.last[i]) return false;
  }
  return true;
}

/// Bit n of an entry: the character is in the set n.
constexpr auto kSetsOfCharacters = [] {
  std::array<std::uint8_t, 256> all{};
  const auto add = [&](CharacterSet set, std::string_view characters) {
    for (const char c : characters) {
      all[static_cast<unsigned char>(c)] |= static_cast<std::uint8_t>(1U << unsigned(set));
    }
  };
  using enum CharacterSet;
  constexpr std::string_view kDigits = "0123456789";
  constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
  for (const auto set : {digits, set_82, set_39, base64url}) add(set, kDigits);
  for (const auto set : {set_82, set_39, base64url}) add(set, kUpper);
  for (const auto set : {set_82, base64url}) add(set, kLower);
  add(set_82, "!\"%&'()*+,-./:;<=>?_");
  add(set_39, "#-/");
  add(base64url, "-_=");
  return all;
}();

}  // namespace

std::size_t ApplicationIdentifier::length_max() const {
  std::size_t length = 0;
  for (std::size_t i = 0; i < part_count; ++i) length += parts[i].length_max;
  return length;
}

std::size_t length_of_ai(std::string_view text) {
  if (text.size() < 2 || !is_digit(text[0]) || !is_digit(text[1])) return 0;
  const auto lines = kByFirstTwo[first_two(text)];
  return lines.end == 0 ? 0 : kTable[lines.begin].first.size();
}

const ApplicationIdentifier* find_ai(std::string_view digits) {
  if (digits.empty() || length_of_ai(digits) != digits.size()) return nullptr;
  const auto lines = kByFirstTwo[first_two(digits)];
  for (std::size_t i = lines.begin; i < lines.end; ++i) {
    if (fits(kTable[i], digits)) return &kTable[i];
  }
  return nullptr;
}

std::size_t count_of(CharacterSet set, std::string_view text) {
  const auto bit = 1U << unsigned(set);
  std::size_t count = 0;
  while (count < text.size() &&
         (kSetsOfCharacters[static_cast<unsigned char>(text[count])] & bit) != 0)
    ++count;
  return count;
}

}  // namespace codasync::barcode
