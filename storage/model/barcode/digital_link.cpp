#include "storage/model/barcode/digital_link.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "storage/model/number.hpp"

namespace codasync::barcode {
namespace {

/// A key that can begin the elements of a path, and its qualifiers in their order. Of several lines
/// of a key, one applies.
struct Key {
  std::string_view ai;
  std::array<std::string_view, 3> qualifiers;
};

// Source: `dlpkey` in the GS1 Barcode Syntax Dictionary.
constexpr Key kKeys[] = {
    {"01", {"22", "10", "21"}},
    {"01", {"235"}},
    {"00", {}},
    {"253", {}},
    {"255", {}},
    {"401", {}},
    {"402", {}},
    {"414", {"254"}},
    {"414", {"7040"}},
    {"415", {"8020"}},
    {"417", {"7040"}},
    {"8003", {}},
    {"8004", {"7040"}},
    {"8006", {"22", "10", "21"}},
    {"8010", {"8011"}},
    {"8013", {}},
    {"8017", {"8019"}},
    {"8018", {"8019"}},
};

constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr auto kUriCharacters = [] {  // RFC 3986, section 2
  std::array<bool, 256> all{};
  for (const char c : std::string_view{"-._~:/?#[]@!$&'()*+,;=%"}) {
    all[static_cast<unsigned char>(c)] = true;
  }
  for (unsigned c = 0; c < all.size(); ++c) {
    all[c] = all[c] || is_digit(static_cast<char>(c)) || is_letter(static_cast<char>(c));
  }
  return all;
}();
bool is_uri_character(char c) { return kUriCharacters[static_cast<unsigned char>(c)]; }

bool is_host_character(char c) {
  return is_digit(c) || is_letter(c) || c == '-' || c == '.' || c == '_' || c == ':';
}

std::size_t length_of_scheme(std::string_view text) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (text.size() >= scheme.size() &&
        std::ranges::equal(text.substr(0, scheme.size()), scheme, {}, &lower))
      return scheme.size();
  }
  return 0;
}

/// A part of the code with its place.
struct Piece {
  std::string_view text;
  std::size_t at;
};

/// Takes the part before the next separator off the front of `rest`. Returns: nullopt after the
/// last one.
std::optional<Piece> take(std::optional<Piece>& rest, char separator) {
  if (!rest) return std::nullopt;
  const auto [text, at] = *rest;
  const auto end = text.find(separator);
  if (end == std::string_view::npos) return std::exchange(rest, std::nullopt);
  rest = Piece{text.substr(end + 1), at + end + 1};
  return Piece{text.substr(0, end), at};
}

std::vector<Piece> segments_of(Piece path) {
  constexpr std::size_t kUsualSegments = 12;
  std::vector<Piece> segments;
  segments.reserve(kUsualSegments);
  std::optional rest{path};
  while (const auto segment = take(rest, '/')) segments.push_back(*segment);
  return segments;
}

std::optional<int> hexadecimal(char c) {
  if (is_digit(c)) return c - '0';
  const char letter = lower(c);
  return letter >= 'a' && letter <= 'f' ? std::optional{letter - 'a' + 10} : std::nullopt;
}

enum class Plus { sign, blank };

/// Returns: the text without percent escapes, or the error, which is at its place in the code.
Outcome<std::string, ParseError> decode(Piece piece, Plus plus) {
  std::string decoded;
  const auto text = piece.text;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == Plus::blank) {
      decoded.push_back(' ');
    } else if (text[i] != '%') {
      decoded.push_back(text[i]);
    } else {
      const auto high = i + 2 < text.size() ? hexadecimal(text[i + 1]) : std::nullopt;
      const auto low = high ? hexadecimal(text[i + 2]) : std::nullopt;
      if (!low) return ParseError{piece.at + i, "A % has two hexadecimal digits after it."};
      decoded.push_back(static_cast<char>(*high * 16 + *low));
      i += 2;
    }
  }
  return decoded;
}

/// Returns: the byte of the code that became the byte `offset` of the decoded piece. Requires: the
/// decoded piece has as many bytes.
std::size_t before_decoding(Piece piece, std::size_t offset) {
  std::size_t i = 0;
  for (; offset > 0; --offset) i += piece.text[i] == '%' ? 3U : 1U;
  return piece.at + i;
}

/// Returns: whether the pairs after the key, from `first`, are its qualifiers in their order.
bool are_qualifiers(const Key& key, const std::vector<Piece>& segments, std::size_t first) {
  const auto* next = key.qualifiers.begin();
  for (auto i = first; i < segments.size(); i += 2) {
    next = std::find(next, key.qualifiers.end(), segments[i].text);
    if (next == key.qualifiers.end()) return false;
    ++next;
  }
  return true;
}

bool is_key(std::string_view text) {
  return std::ranges::find(kKeys, text, &Key::ai) != std::end(kKeys);
}

/// Returns: the segment with the right-most key. The path ends in pairs of AI and value.
std::optional<std::size_t> find_key(const std::vector<Piece>& segments) {
  for (auto i = segments.size(); i >= 2; i -= 2) {
    if (is_key(segments[i - 2].text)) return i - 2;
  }
  return std::nullopt;
}

/// Returns: whether the element was added; otherwise the error is set.
bool add(Link& link, Piece digits, Piece encoded, Plus plus, Date today) {
  const auto twice = [&](const Element& element) { return element.ai == digits.text; };
  if (std::ranges::any_of(link.elements, twice)) {
    link.error = ParseError{digits.at, "This application identifier (AI) is repeated."};
    return false;
  }
  std::string decoded;
  auto value = encoded.text;
  if (value.find('%') != std::string_view::npos || value.find('+') != std::string_view::npos) {
    auto done = decode(encoded, plus);
    if (!done) {
      link.error = done.error();
      return false;
    }
    decoded = std::move(done).value();
    value = decoded;
  }
  const auto* form = find_ai(digits.text);
  if (form == nullptr) {
    link.error =
        ParseError{digits.at, "There is no application identifier (AI) of GS1 with these digits."};
    return false;
  }
  auto* error = add_element(link, digits.text, *form, value, digits.at, today);
  if (error == nullptr) return true;
  error->at = before_decoding(encoded, error->at);
  if (digits.text == "01" && value.size() < 14)
    error->detail += " A GTIN in a Digital Link has 14 digits, with leading zeros.";
  return false;
}

void add_path(Link& link, Piece path, Date today) {
  const auto segments = segments_of(path);
  const auto key = find_key(segments);
  if (!key) {
    link.error = ParseError{path.at,
                            "This web address is not a GS1 Digital Link: its path has no "
                            "/01/ with a GTIN."};
    return;
  }
  link.is_digital_link = true;
  if (std::ranges::none_of(kKeys, [&](const Key& each) {
        return each.ai == segments[*key].text && are_qualifiers(each, segments, *key + 2);
      })) {
    link.error = ParseError{segments[*key + 2].at,
                            "These are not qualifiers of the key in their order; after /01/ they "
                            "are 22, 10 and 21, or 235."};
    return;
  }
  for (auto i = *key; i < segments.size(); i += 2) {
    if (!add(link, segments[i], segments[i + 1], Plus::sign, today)) return;
  }
}

void add_query(Link& link, Piece query, Date today) {
  std::optional rest{query};
  while (std::optional value{take(rest, '&')}) {
    const auto name = *take(value, '=');
    if (!value) value = Piece{{}, name.at + name.text.size()};  // without `=`
    // Names that are not numbers are those of other programs.
    if (name.text.empty() || !std::ranges::all_of(name.text, is_digit)) continue;
    if (!add(link, name, *value, Plus::blank, today)) return;
  }
}

}  // namespace

bool is_web_address(std::string_view code, std::size_t begin) {
  return length_of_scheme(code.substr(begin)) != 0;
}

Link parse_digital_link(std::string_view code, std::size_t begin, Date today) {
  Link link;
  const auto* bad = std::find_if_not(code.begin() + begin, code.end(),
                                     [](char c) { return is_uri_character(c); });
  const auto fragment = std::min(code.find('#', begin), code.size());
  const auto host = begin + length_of_scheme(code.substr(begin));
  const auto host_end = std::min({code.find('/', host), code.find('?', host), fragment});
  const auto question = std::min(code.find('?', host), fragment);
  const auto path = host_end < question ? host_end + 1 : question;
  add_path(link, {code.substr(path, question - path), path}, today);
  const auto* bad_host =
      std::find_if_not(code.begin() + host, code.begin() + host_end, is_host_character);
  if (bad != code.end()) {
    link.error = ParseError{static_cast<std::size_t>(bad - code.begin()),
                            "A web address cannot have this character."};
  } else if (host == host_end || bad_host != code.begin() + host_end) {
    link.error =
        ParseError{static_cast<std::size_t>(bad_host - code.begin()), "This is not a host name."};
  } else if (!link.error && question < fragment) {
    add_query(link, {code.substr(question + 1, fragment - question - 1), question + 1}, today);
  }
  return link;
}

}  // namespace codasync::barcode
