#include "api/imports/import_options.hpp"

#include <algorithm>
#include <array>

#include "storage/model/number.hpp"

namespace codasync::api {
namespace {

struct Option {
  std::string_view flag;
  std::string_view parameter;
  bool has_value{true};
};

constexpr std::array kOptions{
    Option{"--map", "map"},
    Option{"--ignore", "ignore"},
    Option{"--encoding", "encoding"},
    Option{"--restore-zeros", "restore_zeros", false},
    Option{"--max-refused", "max_refused"},
    Option{"--shop", "shop"},
    Option{"--date-format", "date_format"},
    Option{"--decimal", "decimal"},
    Option{"--lots", "lots"},
};

/// Returns: whether the option has no value here, as in `than --max-refused allows`.
bool follows_word(std::string_view after) {
  constexpr std::array<std::string_view, 5> kWords{" allows", " nor ", " name ", " names ",
                                                   " imports "};
  return std::ranges::any_of(kWords, [&](auto word) { return after.starts_with(word); });
}

}  // namespace

std::string set_map(storage::ImportOptions& options, storage::ImportKind kind,
                    const std::string& text) {
  const auto equals = text.find('=');
  const auto field = storage::parse_import_field(text.substr(0, equals));
  if (equals == std::string::npos || equals + 1 == text.size())
    return "\"" + text + "\" must be FIELD=COLUMN, such as gtin=\"EAN code\"";
  if (!field)
    return "\"" + text.substr(0, equals) + "\" is not a field; the fields are " +
           storage::field_names(kind);
  options.columns.map.emplace_back(*field, text.substr(equals + 1));
  return {};
}

std::string set_encoding(storage::ImportOptions& options, const std::string& text) {
  const auto encoding = storage::parse_file_encoding(text);
  if (!encoding)
    return "\"" + text + "\" is not one of " + std::string{storage::file_encoding_names()};
  options.encoding = *encoding;
  return {};
}

std::string set_max_refused(storage::ImportOptions& options, const std::string& text) {
  const auto limit = storage::parse_refusal_limit(text);
  if (!limit) return "\"" + text + "\" must be a number of rows, such as 20, or a part, such as 5%";
  options.refused_max = *limit;
  return {};
}

std::string set_shop(storage::ImportOptions& options, const std::string& text) {
  const auto id = parse_positive(text);
  if (!id) return "\"" + text + "\" is not the id of a shop, such as 7";
  options.rows.shop = ShopId{*id};
  options.columns.shop_given = true;
  return {};
}

std::string set_date_format(storage::ImportOptions& options, const std::string& text) {
  options.rows.date_format = storage::DateFormat::parse(text);
  if (!options.rows.date_format)
    return "\"" + text +
           "\" must have a month (M, MM or MMM), a year (YY or YYYY) and usually a "
           "day (D or DD), such as DD.MM.YYYY; or be excel";
  options.columns.date_format_given = true;
  return {};
}

std::string set_decimal(storage::ImportOptions& options, const std::string& text) {
  if (text != "." && text != ",") return "\"" + text + "\" must be . or ,";
  options.rows.decimal_mark = static_cast<storage::DecimalMark>(text.front());
  return {};
}

std::string set_lots(storage::ImportOptions& options, const std::string& text) {
  const auto rule = storage::parse_lot_rule(text);
  if (!rule) return "\"" + text + "\" must be sum, last or refuse";
  options.lots = *rule;
  return {};
}

Advice with_parameters(std::string_view sentence) {
  Advice advice;
  while (!sentence.empty()) {
    const auto dashes = std::min(sentence.find("--"), sentence.size());
    advice.text += sentence.substr(0, dashes);
    sentence.remove_prefix(dashes);
    const auto option = std::ranges::find_if(
        kOptions, [&](const Option& known) { return sentence.starts_with(known.flag); });
    if (option == kOptions.end()) {
      const auto kept = std::min<std::size_t>(sentence.size(), 2);
      advice.text += sentence.substr(0, kept);
      sentence.remove_prefix(kept);
      continue;
    }
    sentence.remove_prefix(option->flag.size());
    advice.text += option->parameter;
    if (!option->has_value) {
      advice.text += "=true";
    } else if (sentence.starts_with(' ') && !follows_word(sentence)) {
      sentence.remove_prefix(1);
      advice.text += '=';
    }
    if (std::ranges::find(advice.parameters, option->parameter) == advice.parameters.end())
      advice.parameters.push_back(option->parameter);
  }
  return advice;
}

}  // namespace codasync::api
