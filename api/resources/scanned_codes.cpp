#include "api/resources/scanned_codes.hpp"

#include <algorithm>

namespace codasync::api::scan {
namespace {

// One item has a few symbols. A Digital Link can be long, and a symbol has at most some 3,000
// characters that are not only digits.
constexpr std::size_t kCodesMax = 16;
constexpr std::size_t kCodeBytesMax = 2'000;

/// Returns: the day on which the codes were scanned. No expiry date is before the first one, and
/// the ledger counts a time in the future as now.
Date day_of_scan(const std::optional<Instant>& observed_at) {
  constexpr Instant kFirst{std::chrono::sys_days{kExpiryDateMin}};
  const auto arrival = now();
  return date_of(std::clamp(observed_at.value_or(arrival), kFirst, arrival));
}

}  // namespace

std::vector<barcode::ParsedCode> ScannedCodes::parsed() const {
  std::vector<barcode::ParsedCode> codes;
  if (!texts.value) return codes;
  for (const auto& text : *texts.value) codes.push_back(barcode::parse(text, options));
  return codes;
}

ScannedCodes read_codes(Body& fields, const std::optional<Instant>& observed_at) {
  ScannedCodes codes{fields.texts("codes", kCodesMax, kCodeBytesMax),
                     {.today = day_of_scan(observed_at)}};
  const auto upc_e = fields.flag("upc_e");
  const auto separator =
      fields.one_of("separator", {"~", "|", "#", "@", "$", "^", "!", "*", ";", "`"});
  fields.not_null("codes", codes.texts);
  fields.not_null("upc_e", upc_e);
  fields.not_null("separator", separator);
  codes.options.upc_e = upc_e.value.value_or(false);
  if (separator.value) codes.options.separator = separator.value->front();
  return codes;
}

Problem conflicting(const barcode::Contradiction& contradiction) {
  return {422,
          "conflicting-codes",
          "The codes contradict each other. Nothing was recorded; scan one item at a time.",
          {{"codes",
            {"Code " + std::to_string(contradiction.code + 1) + ": " + contradiction.detail}}}};
}

}  // namespace codasync::api::scan
