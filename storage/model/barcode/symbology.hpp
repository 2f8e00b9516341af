#pragma once

#include <string_view>

namespace codasync::barcode {

/// The data that a symbol can have.
enum class Carries {
  gtin_13,   // 13 digits; as some decoders send them, 12 of UPC-A and 8 of UPC-E
  gtin_8,    // 8 digits
  gtin_14,   // 14 digits
  elements,  // a GS1 element string
  any_text,  // not GS1's by itself; a Digital Link and printed text are possible
};

struct Symbology {
  std::string_view identifier;  // three characters (ISO/IEC 15424), sent before the data
  std::string_view name;
  Carries carries;
};

/// Returns: the symbology whose identifier is at the front of `code`; null pointer: none that can
/// carry data for CodaSync.
const Symbology* find_symbology(std::string_view code);

}  // namespace codasync::barcode
