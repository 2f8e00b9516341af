// Texts of single values: times, dates, numbers, GTINs, UUIDs, names.

#include "storage/model/gtin.hpp"
#include "storage/model/number.hpp"
#include "storage/model/text.hpp"
#include "storage/model/time.hpp"
#include "storage/model/uuid.hpp"
#include "tests/fuzz/targets/check.hpp"

using namespace codasync;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  if (const auto instant = parse_instant(text))
    check(parse_instant(to_string(*instant)) == instant, "a time is read as it was written");
  if (const auto date = parse_date(text)) {
    check(date->ok(), "a date exists");
    check(parse_date(to_string(*date)) == date, "a date is read as it was written");
  }
  if (const auto number = parse_integer(text)) {
    check(parse_integer(std::to_string(*number)) == number, "a number is read as it was written");
    check(parse_whole_number(text) == number, "each integer is a whole number");
    check(parse_positive(text).has_value() == (*number > 0), "ids are positive");
  }
  parse_whole_number(text);
  if (const auto gtin = Gtin::parse(text)) {
    const auto canonical = gtin.value().canonical();
    check(Gtin::parse(canonical).value() == gtin.value(), "a GTIN is one in its canonical form");
    check(has_good_check_digit(canonical), "its check digit is right");
  }
  if (const auto gtin = Gtin::parse_upc_e(text))
    check(has_good_check_digit(gtin.value().canonical()), "a UPC-E stands for a GTIN");
  if (const auto uuid = Uuid::parse(text)) {
    check(Uuid::parse(to_string(*uuid)) == uuid, "a UUID is read as it was written");
    uuid->time();
  }
  const auto trimmed = trim(text);
  check(trim(trimmed) == trimmed, "trimmed text is trimmed");
  const auto collapsed = collapse_white_space(text);
  check(collapse_white_space(collapsed) == collapsed, "collapsed text is collapsed");
  check(collapsed.size() <= text.size(), "and not longer");
  const auto shown = to_valid_utf8(text, 64);
  for (std::string_view rest{shown}; !rest.empty();) {
    const auto length = utf8_length(rest);
    check(length > 0, "what is shown is valid UTF-8");
    rest.remove_prefix(length);
  }
  if (!refuse_name(text)) {
    check(to_valid_utf8(text, kNameCharactersMax) == text, "a name is short and valid UTF-8");
    check(text.find_first_of("\r\n\t") == std::string_view::npos, "and one line");
  }
  return 0;
}
