#include "api/cli/describe.hpp"

namespace codasync::api::cli {
namespace {

std::string text_of(const std::optional<ShelfDate>& date) {
  if (!date) return "none";
  return to_string(date->date) +
         (date->kind ? " (" + std::string{name_of(*date->kind)} + ")" : std::string{});
}

std::string text_of(const std::optional<std::int64_t>& quantity) {
  return quantity ? std::to_string(*quantity) : "not counted";
}

}  // namespace

std::string describe(const storage::CatalogueStore::ProductDifference& difference) {
  const auto& after = difference.after;
  const auto value = [](const std::optional<std::string>& text) {
    return text ? "\"" + *text + "\"" : std::string{"none"};
  };
  std::string text = "product " + difference.gtin.canonical();
  if (!difference.before) {
    text += ": new, name " + value(after.name);
    if (after.brand) text += ", brand " + value(after.brand);
    if (after.category) text += ", category " + value(after.category);
    return text;
  }
  std::string separator = ": ";
  const auto compare = [&](const char* name, const std::optional<std::string>& old,
                           const std::optional<std::string>& now) {
    if (old == now) return;
    text += separator + name + " " + value(old) + " → " + value(now);
    separator = ", ";
  };
  compare("name", difference.before->name, after.name);
  compare("brand", difference.before->brand, after.brand);
  compare("category", difference.before->category, after.category);
  return text;
}

std::optional<std::string> describe(const storage::Written& written) {
  if (written.outcome != EventOutcome::applied) return std::nullopt;
  const auto& after = written.reading;
  std::string text = "shop " + std::to_string(after.shop.value()) + ", GTIN " +
                     after.gtin.canonical() + " \"" + after.name + "\": ";
  if (!written.before) {
    return text + "new, date " + text_of(after.date) + ", quantity " + text_of(after.quantity);
  }
  std::string changes;
  const auto add = [&](const std::string& change) {
    changes += (changes.empty() ? "" : ", ") + change;
  };
  if (written.before->date != after.date)
    add("date " + text_of(written.before->date) + " → " + text_of(after.date));
  if (written.before->quantity != after.quantity)
    add("quantity " + text_of(written.before->quantity) + " → " + text_of(after.quantity));
  if (changes.empty()) return std::nullopt;  // the name of the product, which is shown by itself
  return text + changes;
}

}  // namespace codasync::api::cli
