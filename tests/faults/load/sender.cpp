#include "tests/faults/load/sender.hpp"

#include <algorithm>
#include <tuple>

#include "tests/faults/load/world.hpp"

namespace codasync::faults {

void Sender::start_again() {
  std::ranges::fill(copy, CopiedRow{});
  epoch.clear();
  since.clear();
  complete = false;
}

void Sender::take(std::size_t product, const CopiedRow& row) {
  auto& known = copy[product];
  if (std::tie(row.version, row.product_version) > std::tie(known.version, known.product_version))
    known = row;
}

Uuid numbered_uuid(std::int64_t n) {
  Uuid uuid{};
  for (std::size_t i = 0; i < sizeof n; ++i)
    uuid.bytes[uuid.bytes.size() - 1 - i] = static_cast<std::uint8_t>(n >> (8 * i));
  uuid.bytes[6] = 0x40;
  uuid.bytes[8] = 0x80;
  return uuid;
}

std::vector<std::string_view> results_of(std::string_view body) {
  // A result has a text as its id, a reading a number.
  constexpr std::string_view kStart = "{\"id\":\"";
  const auto begin = body.find("\"results\":[");
  if (begin == std::string_view::npos) return {};
  body.remove_prefix(begin);
  body = body.substr(0, body.find("],\"epoch\":"));  // of /sync
  std::vector<std::string_view> results;
  for (auto at = body.find(kStart); at != std::string_view::npos;) {
    const auto next = body.find(kStart, at + kStart.size());
    results.push_back(body.substr(at, next - at));
    at = next;
  }
  return results;
}

std::string_view reading_in(std::string_view result) {
  constexpr std::string_view kStart = "\"reading\":";
  const auto at = result.find(kStart);
  if (at == std::string_view::npos) return {};
  const auto objects = objects_of(result.substr(at));
  return objects.empty() ? std::string_view{} : objects.front();
}

std::vector<std::string_view> changes_of(std::string_view body) {
  const auto begin = body.rfind("\"changes\":[");
  if (begin == std::string_view::npos) return {};
  return objects_of(body.substr(begin));
}

}  // namespace codasync::faults
