#pragma once

#include <optional>
#include <string_view>

#include "storage/model/barcode/parse_error.hpp"
#include "storage/model/outcome.hpp"
#include "storage/model/time.hpp"

namespace codasync::barcode {

/// What a day of 00 means.
enum class DayZero { last_of_month, refused };

/// Returns: the day of `YYMMDD`, or what is wrong with it. The century is that of `today`, unless
/// the year is 51 or more years ahead (then the one before) or 50 or more years ago (then the next
/// one): GS1 General Specifications, section 7.12. Requires: six digits.
Outcome<Date, ParseError> parse_gs1_date(std::string_view digits, Date today, DayZero day_zero);

/// Returns: what is wrong with `HHMM`; nullopt: nothing. Requires: four digits.
std::optional<ParseError> refuse_time(std::string_view digits);

}  // namespace codasync::barcode
