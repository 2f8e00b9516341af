// Codes of scanners. The first byte selects the options; a line end separates the codes of an item.

#include "storage/model/barcode/barcode.hpp"

#include <vector>

#include "storage/model/barcode/scanned_item.hpp"
#include "storage/model/text.hpp"
#include "tests/fuzz/targets/check.hpp"

namespace {

using namespace codasync;
using fuzz::check;

constexpr std::string_view kSeparators = "~|#@$^!*;`";

void check_meaning(const barcode::Meaning& meaning, const barcode::ParseOptions& options) {
  if (meaning.gtin) {
    const auto text = meaning.gtin->canonical();
    check(Gtin::parse(text) && Gtin::parse(text).value() == *meaning.gtin,
          "a GTIN is one in its canonical form");
    check(barcode::parse(text, options).gtin.has_value() || options.upc_e,
          "the canonical form of a GTIN is a code");
  }
  for (const auto& element : meaning.elements) {
    check(element.ai.size() >= 2 && element.ai.size() <= 4, "an AI has 2 to 4 digits");
    check(!element.value.empty() && element.value.size() <= 90, "a value has 1 to 90 characters");
    for (const char c : element.value) check(c > ' ' && c < 127, "a value is printable");
    if (element.date) check(element.date->ok(), "a date exists");
    if (const auto number = barcode::number_of(element))
      check(!number->empty() && number->find_first_not_of("0123456789.") == std::string::npos,
            "a number has digits");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  barcode::ParseOptions options{.today = std::chrono::year{2026} / 11 / 30};
  options.upc_e = (data[0] & 1U) != 0;
  if ((data[0] & 2U) != 0) options.separator = kSeparators[data[0] / 4 % kSeparators.size()];
  auto rest = fuzz::text_of(data + 1, size - 1);
  std::vector<barcode::ParsedCode> codes;
  for (bool more = true; more && codes.size() < 16;) {
    const auto end = rest.find('\n');
    const auto code = rest.substr(0, end);
    more = end != std::string_view::npos;
    if (more) rest.remove_prefix(end + 1);
    codes.push_back(barcode::parse(code, options));
    const auto& parsed = codes.back();
    check_meaning(parsed, options);
    for (const auto& other : parsed.alternatives) check_meaning(other, options);
    if (parsed.error) {
      check(parsed.error->at <= code.size(), "an error is inside the code or at its end");
      check(!parsed.error->detail.empty(), "an error says what is wrong");
    }
  }
  const auto item = barcode::merge(codes);
  if (!item) {
    check(item.error().code < codes.size(), "a contradiction is of one of the codes");
  } else if (item.value().date) {
    check(item.value().date->date.ok(), "the date of an item exists");
  }
  return 0;
}
