#include "api/exports.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "api/line_response.hpp"

namespace codasync::api {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string_view take_until(std::string_view& text, char separator) {
  const auto end = std::min(text.find(separator), text.size());
  const auto part = trimmed(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

bool equal(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
    return lower(x) == lower(y);
  });
}

/// How much a media type is wanted: by the most specific range that matches it.
struct Weight {
  int precision{-1};  // -1: no range matches
  double quality{0};

  void consider(int match, double q) {
    if (match > precision) *this = {match, q};
  }
};

/// Returns: how precisely the range matches the type; -1: not at all.
int match_of(std::string_view range, std::string_view type) {
  if (equal(range, type)) return 2;
  const auto slash = type.find('/');
  if (range.ends_with("/*") && equal(range.substr(0, range.size() - 2), type.substr(0, slash)))
    return 1;
  return range == "*/*" ? 0 : -1;
}

double quality_in(std::string_view parameters) {
  while (!parameters.empty()) {
    const auto parameter = take_until(parameters, ';');
    if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) continue;
    double quality = 0;
    std::from_chars(parameter.data() + 2, parameter.data() + parameter.size(), quality);
    return std::clamp(quality, 0.0, 1.0);
  }
  return 1;
}

}  // namespace

Problem too_many_exports() {
  constexpr int kRetrySeconds = 10;
  return unavailable("Too many exports are in progress. Try again later.", kRetrySeconds);
}

std::string_view media_type_of(ExportFormat format) {
  return format == ExportFormat::csv ? "text/csv; charset=utf-8; header=present"
                                     : "application/x-ndjson";
}

std::optional<ExportFormat> format_of_accept(std::string_view accept) {
  if (trimmed(accept).empty()) return ExportFormat::csv;
  Weight csv;
  Weight ndjson;
  while (!accept.empty()) {
    auto parameters = take_until(accept, ',');
    const auto range = take_until(parameters, ';');
    const double quality = quality_in(parameters);
    csv.consider(match_of(range, "text/csv"), quality);
    for (const auto* type : {"application/x-ndjson", "application/ndjson", "application/jsonl"})
      ndjson.consider(match_of(range, type), quality);
  }
  if (csv.quality <= 0 && ndjson.quality <= 0) return std::nullopt;
  return csv.quality >= ndjson.quality ? ExportFormat::csv : ExportFormat::ndjson;
}

void send_export(ExportText& text, ResponseStream& body) try {
  for (std::string piece; text.next(piece);) {
    if (!send_piece(piece, body)) return;
  }
  await_taken(body);
} catch (...) {
  body.cut_off();
  throw;
}

}  // namespace codasync::api
