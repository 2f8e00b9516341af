#include "storage/model/barcode/barcode.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "storage/model/barcode/digital_link.hpp"
#include "storage/model/barcode/element_string.hpp"
#include "storage/model/barcode/symbology.hpp"
#include "storage/model/number.hpp"

namespace codasync::barcode {
namespace {

/// Separates the data of a composite symbol from its linear part.
constexpr std::string_view kComposite = "|]e0";
constexpr std::size_t kIdentifierLength = 3;

/// Returns: the text without one separator in the last position.
std::string_view without_last(std::string_view text, const Separators& separators) {
  constexpr std::size_t kBytesMax = 4;  // of a spelling
  for (std::size_t bytes = 1; bytes <= std::min(kBytesMax, text.size()); ++bytes) {
    const auto at = text.size() - bytes;
    if (separators.length_at(text, at) == bytes) return text.substr(0, at);
  }
  return text;
}

/// Returns: the code without the line end of a keyboard scanner and without a separator in the last
/// position. The character that a scanner sends instead of a separator can be the end of a text, so
/// it is one after digits only.
std::string_view without_end(std::string_view code, const Separators& separators) {
  const auto text = code.substr(0, code.find_last_not_of("\r\n\t") + 1);
  const auto data = without_last(text, Separators{std::nullopt});
  if (data.size() < text.size()) return data;
  const auto digits = without_last(text, separators);
  return std::ranges::all_of(digits, is_digit) ? digits : text;
}

/// One code while it is parsed. Offsets count from the front of the code as it was sent.
class Parser {
 public:
  Parser(std::string_view code, const ParseOptions& options)
      : options_{options}, separators_{options.separator}, code_{without_end(code, separators_)} {}

  ParsedCode parse() && {
    if (code_.empty()) {
      fail(0, "This code is empty.");
    } else if (code_.front() == ']') {
      parse_with_identifier();
    } else {
      parse_without_identifier();
    }
    return std::move(parsed_);
  }

 private:
  void parse_with_identifier();
  void parse_without_identifier();

  void parse_ean(Carries carries);
  void parse_fixed_gtin(std::size_t begin, std::size_t end, std::size_t length);
  void parse_digits(std::size_t begin, std::size_t end);
  void parse_upc_e(std::size_t begin, std::size_t end);
  void parse_any_text(std::size_t begin);
  void parse_link(std::size_t begin);
  void take(Form form, ElementList list);

  void fail(std::size_t at, std::string detail) {
    parsed_.error = ParseError{at, std::move(detail)};
  }
  [[nodiscard]] std::string_view between(std::size_t begin, std::size_t end) const {
    return code_.substr(begin, end - begin);
  }
  [[nodiscard]] bool are_digits(std::size_t begin, std::size_t end) const {
    return begin < end && std::ranges::all_of(between(begin, end), is_digit);
  }

  const ParseOptions& options_;
  const Separators separators_;
  const std::string_view code_;
  ParsedCode parsed_{};
};

/// Sets the GTIN of the elements. Returns: why they cannot be together.
std::optional<ParseError> finish(Meaning& meaning) {
  for (const auto* ai : {"01", "02"}) {
    const auto found = std::ranges::find(meaning.elements, ai, &Element::ai);
    if (meaning.gtin || found == meaning.elements.end()) continue;
    const auto gtin = Gtin::parse(found->value);
    if (!gtin) return ParseError{found->at, std::string{explain(gtin.error())}};
    meaning.gtin = *gtin;
  }
  return refuse_together(meaning.elements);
}

bool is_expiry(const Element& element) {
  return element.ai == "15" || element.ai == "16" || element.ai == "17" || element.ai == "7003";
}

/// Returns: whether recording it would differ from recording nothing.
bool says_something(const Meaning& meaning) {
  return meaning.gtin || std::ranges::any_of(meaning.elements, is_expiry);
}

void Parser::take(Form form, ElementList list) {
  parsed_.form = form;
  parsed_.elements = std::move(list.elements);
  parsed_.error = std::move(list.error);
  auto error = finish(parsed_);
  if (!parsed_.error) parsed_.error = std::move(error);
}

void Parser::parse_with_identifier() {
  const auto* symbology = find_symbology(code_);
  if (symbology == nullptr) {
    parsed_.form = Form::plain_text;
    return fail(0, "A symbol with this symbology identifier cannot have data of GS1.");
  }
  parsed_.symbology = symbology->name;
  switch (symbology->carries) {
    case Carries::gtin_13:
    case Carries::gtin_8:
      return parse_ean(symbology->carries);
    case Carries::gtin_14:
      return parse_fixed_gtin(kIdentifierLength, code_.size(), 14);
    case Carries::elements:
      return take(Form::element_string,
                  parse_element_string(code_, kIdentifierLength, separators_, options_.today));
    case Carries::any_text:
      return parse_any_text(kIdentifierLength);
  }
}

void Parser::parse_ean(Carries carries) {
  const auto begin = kIdentifierLength;
  const auto composite = code_.find(kComposite, begin);
  const auto end = std::min(composite, code_.size());
  if (composite != std::string_view::npos) {
    // The elements first, because take() replaces what is known.
    take(Form::element_string,
         parse_element_string(code_, composite + kComposite.size(), separators_, options_.today));
    if (parsed_.error) return;
  }
  const auto length = end - begin;
  if (carries == Carries::gtin_8) return parse_fixed_gtin(begin, end, 8);
  if (length == 8) {
    parsed_.symbology = "UPC-E";
    return parse_upc_e(begin, end);
  }
  if (length == 12) parsed_.symbology = "UPC-A";
  parse_fixed_gtin(begin, end, length == 12 ? 12 : 13);
}

void Parser::parse_fixed_gtin(std::size_t begin, std::size_t end, std::size_t length) {
  parsed_.form = Form::gtin;
  const auto text = between(begin, end);
  const auto bad = std::ranges::find_if_not(text, is_digit);
  if (bad != text.end())
    return fail(begin + static_cast<std::size_t>(bad - text.begin()),
                "This symbology has digits only.");
  if (text.size() != length)
    return fail(begin + std::min(text.size(), length),
                "This symbology has " + std::to_string(length) + " digits.");
  parse_digits(begin, end);
}

/// Requires: digits only.
void Parser::parse_digits(std::size_t begin, std::size_t end) {
  parsed_.form = Form::gtin;
  const auto gtin = Gtin::parse(between(begin, end));
  if (gtin) {
    parsed_.gtin = *gtin;
  } else {
    fail(gtin.error() == GtinRefusal::wrong_length ? end : end - 1,
         std::string{explain(gtin.error())});
  }
}

/// Requires: digits only, 8 of them.
void Parser::parse_upc_e(std::size_t begin, std::size_t end) {
  parsed_.form = Form::upc_e;
  if (!are_digits(begin, end)) return fail(begin, "UPC-E has digits only.");
  const auto gtin = Gtin::parse_upc_e(between(begin, end));
  if (gtin) {
    parsed_.gtin = *gtin;
  } else if (gtin.error() == GtinRefusal::wrong_length) {
    fail(begin, "UPC-E begins with 0 or 1.");
  } else {
    fail(end - 1, std::string{explain(gtin.error())});
  }
}

void Parser::parse_link(std::size_t begin) {
  take(Form::digital_link, parse_digital_link(code_, begin, options_.today));
}

/// The text of a symbol that is not GS1's: it has elements only where it says so itself.
void Parser::parse_any_text(std::size_t begin) {
  const auto text = code_.substr(begin);
  if (is_web_address(code_, begin)) {
    auto link = parse_digital_link(code_, begin, options_.today);
    if (link.is_digital_link) return take(Form::digital_link, std::move(link));
  } else if (text.starts_with('(') && length_of_ai(text.substr(1)) != 0) {
    return take(Form::bracketed_text, parse_bracketed_text(code_, begin, options_.today));
  } else if (are_digits(begin, code_.size()) && Gtin::parse(text)) {
    return parse_digits(begin, code_.size());
  }
  parsed_.form = Form::plain_text;
}

void Parser::parse_without_identifier() {
  const auto begin = separators_.length_at(code_, 0);
  if (is_web_address(code_, begin)) return parse_link(begin);
  if (code_.substr(begin).starts_with('('))
    return take(Form::bracketed_text, parse_bracketed_text(code_, begin, options_.today));
  auto elements = parse_element_string(code_, begin, separators_, options_.today);
  if (!are_digits(begin, code_.size())) {
    constexpr auto kNumberOfASpreadsheet = GtinRefusal::scientific_notation;
    if (Gtin::parse(code_.substr(begin)).error() == kNumberOfASpreadsheet) {
      parsed_.form = Form::gtin;
      return fail(begin, std::string{explain(kNumberOfASpreadsheet)});
    }
    return take(Form::element_string, std::move(elements));
  }
  // Digits can be a GTIN, UPC-E or elements.
  const auto text = code_.substr(begin);
  std::vector<Meaning> others;
  if (text.size() == 8) {
    const auto upc_e = Gtin::parse_upc_e(text);
    if (options_.upc_e) {
      return parse_upc_e(begin, code_.size());
    }
    if (upc_e) others.push_back({Form::upc_e, *upc_e});
  }
  Meaning list{Form::element_string, std::nullopt, std::move(elements.elements)};
  const bool are_elements = !elements.error && !finish(list) && says_something(list);
  parse_digits(begin, code_.size());
  constexpr std::size_t kGtinLengthMax = 14;
  if (parsed_.error && (are_elements || text.size() > kGtinLengthMax)) {
    list.form = Form::element_string;
    take(Form::element_string, {std::move(list.elements), std::move(elements.error)});
  } else if (are_elements) {
    others.push_back(std::move(list));
  }
  parsed_.alternatives = std::move(others);
}

}  // namespace

std::string_view name_of(Form form) {
  switch (form) {
    case Form::gtin:
      return "gtin";
    case Form::upc_e:
      return "upc_e";
    case Form::element_string:
      return "element_string";
    case Form::bracketed_text:
      return "bracketed_text";
    case Form::digital_link:
      return "digital_link";
    case Form::plain_text:
      return "plain_text";
  }
  __builtin_unreachable();
}

ParsedCode parse(std::string_view code, const ParseOptions& options) {
  return Parser{code, options}.parse();
}

}  // namespace codasync::barcode
