#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "storage/model/barcode/element.hpp"
#include "storage/model/gtin.hpp"

// What scanners send: GTINs, UPC-E, GS1 element strings, bracketed text and GS1 Digital Links, with
// and without symbology identifiers. Everything here is pure.
namespace codasync::barcode {

enum class Form {
  gtin,            // the digits of a GTIN
  upc_e,           // 8 digits that stand for a GTIN-12
  element_string,  // application identifiers (AIs) with their values
  bracketed_text,  // the same as it is printed, with the AIs in brackets
  digital_link,    // a web address with them
  plain_text,      // the symbology says that it is not GS1's; the text has no other form
};

std::string_view name_of(Form form);

struct ParseOptions {
  Date today;                       // decides the century of dates
  bool upc_e{false};                // codes of 8 digits without a symbology identifier are UPC-E
  std::optional<char> separator{};  // sent instead of byte 29; not a letter or a digit
};

/// What a code says when it is read in one form.
struct Meaning {
  Form form{Form::gtin};
  std::optional<Gtin> gtin{};       // of the item (01), otherwise of the contents of a box (02)
  std::vector<Element> elements{};  // empty for a GTIN and UPC-E
};

/// A code. With an error, the meaning has what was read before it.
struct ParsedCode : Meaning {
  std::string_view symbology{};  // by its identifier; empty: the scanner did not send it
  std::optional<ParseError> error{};
  // Digits that could be something else too, with another GTIN or date. The meaning above follows
  // the rules: a GTIN before elements, and UPC-E only where the symbology or the options say so.
  std::vector<Meaning> alternatives{};
};

/// Parses one code, as a scanner sent it. Line ends and a tab at its end are ignored: scanners that
/// work as keyboards send them. Never throws except for memory.
ParsedCode parse(std::string_view code, const ParseOptions& options);

}  // namespace codasync::barcode
