#include "storage/import/column_questions.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/import/cell.hpp"
#include "storage/import/column_names.hpp"
#include "storage/import/column_values.hpp"
#include "storage/import/date_format.hpp"
#include "storage/import/header_names.hpp"
#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

using Use = ColumnUse::Use;

constexpr double kMost = 0.8;  // of the values look like a date or a GTIN

class ColumnQuestions {
 public:
  ColumnQuestions(ColumnChoice& choice, const ColumnInput& input)
      : kind_{input.kind},
        header_{input.header},
        sample_{input.sample},
        options_{input.options},
        choice_{choice},
        plan_{choice.plan} {}

  void ask_all() {
    if (question_header()) return;
    question_missing();
    question_unused();
    question_unnamed();
    question_dates();
  }

 private:
  void ask(std::string question) { plan_.questions.push_back(std::move(question)); }

  /// Returns: whether the file has no header; then no other question is useful.
  bool question_header() {
    const bool nothing_known = std::ranges::all_of(plan_.columns, [](const ColumnUse& column) {
      return column.use == Use::not_used || column.use == Use::unnamed;
    });
    if (!nothing_known) return false;
    if (std::ranges::any_of(header_, is_long_gtin)) {
      ask("The file has a GTIN where the names of its columns should be. Add a row with the names "
          "above it, such as: gtin, name.");
      return true;
    }
    if (header_.size() == 1) {
      ask("The file has one column only: " + quoted_header(header_.front()) +
          ". The separator has to be a comma, a semicolon, a tab or |; another one can be named in "
          "a first line, such as sep=^. Quotation marks belong around a field, not around a row.");
      return true;
    }
    return false;
  }

  void question_missing() {
    const auto lacks = [&](ImportField field, std::string_view what) {
      if (plan_.fields.contains(field)) return;
      ask("The file has no column for the " + std::string{what} + ", such as \"" +
          std::string{name_of(field)} + "\". Its columns are: " + list_of_headers(header_) +
          ". If one of them holds it: --map " + std::string{name_of(field)} + "=\"Column\"" +
          (field == ImportField::shop ? "; if all rows are of one shop: --shop 7." : "."));
    };
    if (choice_.weak_gtin && !plan_.fields.contains(ImportField::gtin)) ask(*choice_.weak_gtin);
    if (!choice_.weak_gtin) lacks(ImportField::gtin, "GTIN");
    if (kind_ == ImportKind::products) {
      lacks(ImportField::name, "product's name");
      return;
    }
    if (!options_.shop_given && !choice_.shop_is_question) lacks(ImportField::shop, "shop");
    const auto has = [&](ImportField field) { return plan_.fields.contains(field); };
    if (!has(ImportField::expiry_date) && !has(ImportField::quantity) && !has(ImportField::kind)) {
      ask("The file has neither a column for the expiry date nor one for the quantity. Its columns "
          "are: " +
          list_of_headers(header_) +
          ". If one of them holds it: --map expiry_date=\"Column\" or --map quantity=\"Column\".");
    }
  }

  /// A column that seems to hold a field, and is not used, may be the most important one.
  void question_unused() {
    question_numbers();
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (plan_.columns[i].use != Use::not_used) continue;
      const auto field = suggested_field(i);
      if (!field) continue;
      if (field == ImportField::gtin && repeats_gtin(i)) continue;
      ask("The column " + quoted_header(header_[i]) + " looks like " + described(*field) +
          " and is not used. To use it: " + map_option(*field, header_[i]) +
          "; to import without it: --ignore " + quoted_header(header_[i]) + ".");
    }
  }

  /// Without a column for the quantity, each column of whole numbers can be it.
  void question_numbers() {
    if (!has_field(kind_, ImportField::quantity) || plan_.fields.contains(ImportField::quantity))
      return;
    std::vector<std::size_t> numbers;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (plan_.columns[i].use == Use::not_used && !is_question_header(header_[i]) &&
          !suggested_field(i) && share_of(sample_, i, is_small_number).at_least(1)) {
        numbers.push_back(i);
      }
    }
    if (numbers.empty()) return;
    std::string names;
    std::string ignored;
    for (const auto position : numbers) {
      names += (names.empty() ? "" : ", ") + quoted_header(header_[position]);
      ignored += (ignored.empty() ? "" : " ") + std::string{"--ignore "} +
                 quoted_header(header_[position]);
    }
    const bool one = numbers.size() == 1;
    ask((one ? "The column " : "The columns ") + names +
        (one ? " looks like quantities and is not used. To use it: " +
                   map_option(ImportField::quantity, header_[numbers.front()])
             : " look like quantities and are not used. To use one of them: --map "
               "quantity=\"Column\"") +
        "; to import without a quantity: " + ignored + ".");
  }

  /// Compares a column of GTINs with the one that is used, instead of asking for it, if the sample
  /// shows that both say the same.
  bool repeats_gtin(std::size_t position) {
    const auto found = plan_.fields.find(ImportField::gtin);
    if (found == plan_.fields.end()) return false;
    const auto used = found->second.positions().front();
    bool equal = false;
    for (const auto& row : sample_) {
      const auto one = gtin_of_cell(cell_at(row, used));
      const auto other = gtin_of_cell(cell_at(row, position));
      if (!one || !other) continue;
      if (*one != *other) return false;
      equal = true;
    }
    if (!equal) return false;
    auto positions = found->second.positions();
    positions.push_back(position);
    found->second = Column{std::move(positions)};
    plan_.columns[position].use = Use::compared;
    plan_.columns[position].field = ImportField::gtin;
    return true;
  }

  static std::string described(ImportField field) {
    switch (field) {
      case ImportField::gtin:
        return "GTINs";
      case ImportField::expiry_date:
        return "dates";
      case ImportField::quantity:
        return "quantities";
      default:
        return "names";
    }
  }

  std::optional<ImportField> suggested_field(std::size_t position) const {
    const auto is_missing = [&](ImportField field) { return !plan_.fields.contains(field); };
    if (count_filled(sample_, position) == 0 && !sample_.empty()) {
      return std::nullopt;  // nothing is lost
    }
    const auto by_header = field_suggested_by(header_[position]);
    if (by_header && has_field(kind_, *by_header) && !choice_.mapped.contains(*by_header) &&
        (by_header != ImportField::name || is_missing(ImportField::name))) {
      return by_header;
    }
    if (!choice_.mapped.contains(ImportField::gtin) &&
        share_of(sample_, position, is_long_gtin).at_least(kMost)) {
      return ImportField::gtin;
    }
    if (kind_ == ImportKind::products) return std::nullopt;
    if (!choice_.mapped.contains(ImportField::expiry_date) &&
        share_of(sample_, position, looks_like_date).at_least(kMost)) {
      return ImportField::expiry_date;
    }
    return std::nullopt;
  }

  void question_unnamed() {
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (plan_.columns[i].use != Use::unnamed || sample_.size() < 2) continue;
      if (count_filled(sample_, i) < sample_.size()) continue;
      const auto number = "\"#" + std::to_string(i + 1) + "\"";
      ask("Column " + std::to_string(i + 1) + " has values and no name. To use it: --map FIELD=" +
          number + "; to import without it: --ignore " + number + ".");
    }
  }

  /// Dates of which not one can be read would only make a long list of refused rows.
  void question_dates() {
    const auto dates = plan_.fields.find(ImportField::expiry_date);
    if (options_.date_format_given || dates == plan_.fields.end()) return;
    const auto position = dates->second.positions().front();
    const auto readable = share_of(sample_, position, [](std::string_view value) {
      return static_cast<bool>(parse_iso_date(plain_cell(value)));
    });
    if (readable.filled == 0 || readable.like > 0) return;
    for (const auto& row : sample_) {
      const auto value = plain_cell(cell_at(row, position));
      const auto date = parse_iso_date(value);
      if (date || date.error() == DateRefusal::not_a_date) continue;
      ask("The dates in the column " + quoted_header(header_[position]) +
          " are not written as YYYY-MM-DD: " + "line " + std::to_string(row.line) + " has \"" +
          to_valid_utf8(value, 30) +
          "\". Which format is it? For example --date-format DD.MM.YYYY, DD/MM/YYYY, MM/DD/YYYY, "
          "DD-MMM-YY, MM/YYYY or excel.");
      return;
    }
  }

  const ImportKind kind_;
  const std::span<const std::string_view> header_;
  const std::span<const SampleRow> sample_;
  const ColumnOptions& options_;
  ColumnChoice& choice_;
  ColumnPlan& plan_;
};

}  // namespace

void ask_about(ColumnChoice& choice, const ColumnInput& input) {
  ColumnQuestions{choice, input}.ask_all();
}

}  // namespace codasync::storage
