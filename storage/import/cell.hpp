#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/model/gtin.hpp"
#include "storage/model/outcome.hpp"

// Values as spreadsheets write them into cells. Everything here is pure.

namespace codasync::storage {

/// Returns: the text of a cell without what protects it from a spreadsheet: `="text"` becomes
/// text, and of apostrophes before = + - or @ the first is dropped. White space around it is
/// removed.
std::string_view unprotected(std::string_view cell);

/// Returns: unprotected(cell) as characters of a number or date: without invisible characters and
/// an apostrophe before a digit, and with ASCII digits, hyphens, blanks and apostrophes for
/// full-width digits and typographic characters.
std::string plain_cell(std::string_view cell);

/// Returns: the GTIN in a cell, or the reason as a sentence. Hyphens between digits, as in an ISBN,
/// blanks where they are printed below the bars (`4 006381 333931`), and decimals that are zeros
/// (`….0`) are dropped.
Outcome<Gtin, std::string> gtin_of_cell(std::string_view cell);

/// The character before decimals; the other one of `.` and `,` groups thousands.
enum class DecimalMark : char { point = '.', comma = ',' };

/// Returns: the whole number from 0 to kQuantityMax of a cell, also as `12.0`, `12,0` and `+12`, or
/// the reason as a sentence. Without a mark, `1.000` and `1,000` are refused: one or a thousand.
/// With one, blanks and apostrophes separate thousands too.
Outcome<std::int64_t, std::string> quantity_of_cell(std::string_view cell,
                                                    std::optional<DecimalMark> mark);

}  // namespace codasync::storage
