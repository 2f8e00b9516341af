#include "storage/import/column_choice.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "storage/import/cell.hpp"
#include "storage/import/column_names.hpp"
#include "storage/import/column_values.hpp"
#include "storage/import/header_names.hpp"
#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

using Use = ColumnUse::Use;
using Kind = HeaderMeaning::Kind;

constexpr std::size_t kSamples = 3;  // of each column
constexpr std::size_t kSampleCharacters = 60;
constexpr double kNearlyAll = 0.9;  // of the values of a column `code` are GTINs
constexpr double kMost = 0.8;       // of the values are whole numbers: no names, but ids

class ColumnChooser {
 public:
  explicit ColumnChooser(const ColumnInput& input)
      : kind_{input.kind}, header_{input.header}, sample_{input.sample}, options_{input.options} {
    for (const auto column : header_) {
      choice_.plan.columns.push_back({.header = shown_header(column)});
      if (is_blank_header(column)) choice_.plan.columns.back().use = Use::unnamed;
    }
    for (const auto& row : sample_) {
      for (std::size_t i = 0; i < header_.size(); ++i) {
        auto& samples = choice_.plan.columns[i].samples;
        const auto value = cell_at(row, i);
        if (samples.size() < kSamples && !value.empty())
          samples.push_back(to_valid_utf8(value, kSampleCharacters));
      }
    }
  }

  ColumnChoice choose_all() {
    ignore_columns();
    map_columns();
    recognise();
    choose_gtin();
    choose_name();
    choose_shop();
    choose_quantity();
    for (const auto field : {ImportField::brand, ImportField::category, ImportField::expiry_date,
                             ImportField::date_kind, ImportField::kind, ImportField::observed_at}) {
      choose(field);
    }
    if (kind_ == ImportKind::readings && choice_.plan.fields.contains(ImportField::name)) {
      choice_.plan.notes.emplace_back(
          "The names create products that are not known; known products keep their names.");
    }
    return std::move(choice_);
  }

 private:
  struct Candidate {
    std::size_t preference;
    std::size_t position;
    friend auto operator<=>(const Candidate&, const Candidate&) = default;
  };

  void ask(std::string question) { choice_.plan.questions.push_back(std::move(question)); }

  void no_such_column(std::string_view option, std::string_view name) {
    ask(std::string{option} + " names a column " + quoted_header(name) +
        ", which the file does not have. Its columns are: " + list_of_headers(header_) + ".");
  }

  void ignore_columns() {
    for (const auto& name : options_.ignore) {
      const auto found = find_columns(header_, name);
      if (found.empty()) no_such_column("--ignore", name);
      for (const auto position : found) choice_.plan.columns[position].use = Use::ignored;
    }
  }

  void map_columns() {
    for (const auto& [field, name] : options_.map) {
      if (!has_field(kind_, field)) {
        ask("--map " + std::string{name_of(field)} + ": " +
            (kind_ == ImportKind::products ? "a product" : "a stock reading") +
            " has no such field in a file; the fields are: " + field_names(kind_) + ".");
        continue;
      }
      const auto found = find_columns(header_, name);
      if (found.empty()) {
        no_such_column("--map " + std::string{name_of(field)}, name);
        continue;
      }
      auto& column = choice_.plan.columns[found.front()];
      if (column.use == Use::used && column.field != field) {
        ask("Two --map name the column " + quoted_header(name) + ".");
        continue;
      }
      if (choice_.plan.fields.contains(field)) {
        ask("Two --map name the field " + std::string{name_of(field)} + ".");
        continue;
      }
      column.use = Use::used;
      column.field = field;
      choice_.plan.fields[field] = Column{{found.front()}};
      choice_.mapped.insert(field);
    }
  }

  void recognise() {
    for (std::size_t i = 0; i < header_.size(); ++i) {
      auto& column = choice_.plan.columns[i];
      if (column.use != Use::not_used) continue;
      const auto meaning = meaning_of(header_[i]);
      if (!meaning) continue;
      if (meaning->kind == Kind::known_unused) {
        column.use = Use::known_unused;
      } else if (!has_field(kind_, meaning->field) || choice_.mapped.contains(meaning->field) ||
                 (meaning->field == ImportField::shop && options_.shop_given)) {
        column.use = Use::known_unused;
        column.field = meaning->field;
      } else if (meaning->kind == Kind::maybe_gtin) {
        maybe_gtin_.push_back({meaning->preference, i});
      } else if (meaning->kind == Kind::maybe_name) {
        maybe_name_.push_back({meaning->preference, i});
      } else if (meaning->kind == Kind::maybe_shop) {
        maybe_shop_.push_back({meaning->preference, i});
      } else if (meaning->field == ImportField::quantity && says_yes_or_no(*meaning, i)) {
        yes_or_no_.push_back(i);
      } else {
        candidates_[meaning->field].push_back({meaning->preference, i});
      }
    }
  }

  /// Returns: whether the values of a column, which can hold a quantity, rather say that there is
  /// any, or the unit.
  bool says_yes_or_no(const HeaderMeaning& meaning, std::size_t position) const {
    if (meaning.kind != Kind::maybe_quantity && !is_question_header(header_[position]))
      return false;
    return share_of(sample_, position, is_above_one).like == 0;
  }

  void choose_quantity() {
    choose(ImportField::quantity);
    for (const auto position : yes_or_no_) {
      // Numbers of a file without another quantity stay a question.
      const bool asks = !choice_.plan.fields.contains(ImportField::quantity) &&
                        !is_question_header(header_[position]) &&
                        share_of(sample_, position, has_digit).like > 0;
      if (!asks) choice_.plan.columns[position].use = Use::known_unused;
    }
  }

  /// A number in a column for places is more likely an id of the other system than one of a shop
  /// here.
  void choose_shop() {
    auto& candidates = candidates_[ImportField::shop];
    std::ranges::sort(maybe_shop_);
    const auto has_numbers = [&](const Candidate& candidate) {
      return share_of(sample_, candidate.position, is_whole_number).like > 0;
    };
    const auto named = std::ranges::find_if_not(maybe_shop_, has_numbers);
    if (candidates.empty() && named != maybe_shop_.end()) candidates.push_back(*named);
    if (candidates.empty() && !maybe_shop_.empty()) {
      const auto header = header_[maybe_shop_.front().position];
      ask("The column " + quoted_header(header) +
          " has numbers, which may be ids of another system. If they are ids of shops: " +
          map_option(ImportField::shop, header) + "; if all rows are of one shop: --shop 7.");
      choice_.shop_is_question = true;
    }
    for (const auto& candidate : maybe_shop_) {
      choice_.plan.columns[candidate.position].use = Use::known_unused;
    }
    choose(ImportField::shop);
  }

  void choose_gtin() {
    if (choice_.mapped.contains(ImportField::gtin)) return;
    auto& candidates = candidates_[ImportField::gtin];
    std::ranges::sort(maybe_gtin_);
    if (candidates.empty()) {
      for (const auto& candidate : maybe_gtin_) {
        const auto share = share_of(sample_, candidate.position, is_gtin_or_damaged);
        const auto name = quoted_header(header_[candidate.position]);
        const auto of = std::to_string(share.like) + " of " + std::to_string(share.filled);
        if (candidates.empty() && share.at_least(kNearlyAll)) {
          candidates.push_back(candidate);
          choice_.plan.notes.push_back("The column " + name + " holds the GTINs: " + of +
                                       " of its first values are valid ones.");
        } else if (candidates.empty() && share.filled > 0) {
          choice_.weak_gtin = "The column " + name + " may hold numbers of your own: " + of +
                              " of its first values are valid GTINs. If they are GTINs: " +
                              map_option(ImportField::gtin, header_[candidate.position]) + ".";
        }
      }
    }
    choose(ImportField::gtin);
  }

  void choose_name() {
    auto& candidates = candidates_[ImportField::name];
    std::erase_if(maybe_name_, [&](const Candidate& candidate) {
      const bool numbers = share_of(sample_, candidate.position, is_whole_number).at_least(kMost);
      if (numbers) choice_.plan.columns[candidate.position].use = Use::known_unused;
      return numbers;
    });
    std::ranges::sort(maybe_name_);
    if (candidates.empty() && !maybe_name_.empty()) {
      candidates.push_back(maybe_name_.front());
      choice_.plan.notes.push_back("The column " +
                                   quoted_header(header_[maybe_name_.front().position]) +
                                   " is taken as the name, because no other column is.");
    }
    for (const auto& candidate : maybe_name_) {
      if (candidates.empty() || candidates.front() != candidate) {
        choice_.plan.columns[candidate.position].use = Use::known_unused;
      }
    }
    choose(ImportField::name);
  }

  /// Takes the candidates of a field. Texts come from the first filled column; for everything else
  /// several columns have to agree.
  void choose(ImportField field) {
    auto& candidates = candidates_[field];
    if (candidates.empty() || choice_.mapped.contains(field)) return;
    std::ranges::sort(candidates);
    const bool first_filled =
        field == ImportField::name || field == ImportField::brand || field == ImportField::category;
    if (field == ImportField::brand || field == ImportField::category) {
      // Numbers are the ids of a brand or category; another column can have its name.
      std::stable_partition(candidates.begin(), candidates.end(), [&](const Candidate& candidate) {
        return !share_of(sample_, candidate.position, is_whole_number).at_least(kMost);
      });
    }
    std::vector<std::size_t> positions;
    for (const auto& [preference, position] : candidates) {
      auto& column = choice_.plan.columns[position];
      column.field = field;
      column.use = positions.empty() ? Use::used : first_filled ? Use::fallback : Use::compared;
      if (positions.empty() || !asks_about_difference(field, positions.front(), position)) {
        positions.push_back(position);
      }
    }
    choice_.plan.fields[field] = Column{std::move(positions)};
  }

  /// Returns: whether two columns of a field differ in the sample, and which is meant is not known.
  bool asks_about_difference(ImportField field, std::size_t used, std::size_t other) {
    if (choice_.plan.columns[other].use != Use::compared) return false;
    const auto differs = [&](const SampleRow& row) {
      const auto first = plain_cell(cell_at(row, used));
      const auto second = plain_cell(cell_at(row, other));
      if (first.empty() || second.empty() || first == second) return false;
      if (field != ImportField::gtin) return true;
      const auto one = gtin_of_cell(first);
      const auto another = gtin_of_cell(second);
      return one && another && *one != *another;
    };
    const auto row = std::ranges::find_if(sample_, differs);
    if (row == sample_.end()) return false;
    const auto option = [&](std::size_t position) {
      return header_[used] == header_[other] ? "--map " + std::string{name_of(field)} + "=\"#" +
                                                   std::to_string(position + 1) + "\""
                                             : map_option(field, header_[position]);
    };
    ask("The columns " + quoted_header(header_[used]) + " and " + quoted_header(header_[other]) +
        " both hold the " + std::string{name_of(field)} + " and differ in line " +
        std::to_string(row->line) + ". Which one is it? " + option(used) + " or " + option(other) +
        ".");
    return true;
  }

  const ImportKind kind_;
  const std::span<const std::string_view> header_;
  const std::span<const SampleRow> sample_;
  const ColumnOptions& options_;
  ColumnChoice choice_;
  std::map<ImportField, std::vector<Candidate>> candidates_;
  std::vector<Candidate> maybe_gtin_;
  std::vector<Candidate> maybe_name_;
  std::vector<Candidate> maybe_shop_;
  std::vector<std::size_t> yes_or_no_;  // columns that could hold a quantity by their header
};

}  // namespace

ColumnChoice choose_columns(const ColumnInput& input) { return ColumnChooser{input}.choose_all(); }

}  // namespace codasync::storage
