#include "storage/import/columns.hpp"

#include <algorithm>
#include <set>

#include "storage/import/cell.hpp"
#include "storage/import/date_format.hpp"
#include "storage/import/header_names.hpp"
#include "storage/model/number.hpp"
#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

using Use = ColumnUse::Use;
using Kind = HeaderMeaning::Kind;
using Header = std::span<const std::string_view>;

constexpr std::size_t kColumnsShown = 20;
constexpr std::size_t kColumnCharactersShown = 40;
constexpr std::size_t kSamples = 3;  // of each column
constexpr std::size_t kSampleCharacters = 60;
constexpr double kNearlyAll = 0.9;  // of the values of a column `code` are GTINs
constexpr double kMost = 0.8;       // of the values look like a date or a GTIN

/// Returns: a header for a message; it can contain any bytes.
std::string shown(std::string_view header) {
  const auto name = collapse_white_space(header);
  if (name.empty()) return "(empty)";
  if (refuse_name(name, 1'000)) return "(unreadable)";
  return to_valid_utf8(name, kColumnCharactersShown);
}

std::string quoted(std::string_view header) { return "\"" + shown(header) + "\""; }

std::string list_of(Header header) {
  std::string list;
  for (const auto column : header.first(std::min(header.size(), kColumnsShown))) {
    if (!list.empty()) list += ", ";
    list += shown(column);
  }
  if (header.size() > kColumnsShown) {
    list += " and " + std::to_string(header.size() - kColumnsShown) + " more";
  }
  return list;
}

std::string map_option(ImportField field, std::string_view header) {
  return "--map " + std::string{name_of(field)} + "=" + quoted(header);
}

bool is_blank(std::string_view header) { return trim(header).empty(); }

/// Returns: the positions of the columns that `name` means: exactly this header, else the same
/// without case and punctuation, else the number.
std::vector<std::size_t> find_columns(Header header, std::string_view name) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (!is_blank(header[i]) && trim(header[i]) == trim(name)) found.push_back(i);
  }
  const auto plain = plain_header(name);
  for (std::size_t i = 0; found.empty() && !plain.empty() && i < header.size(); ++i) {
    if (plain_header(header[i]) == plain) found.push_back(i);
  }
  if (found.empty() && name.starts_with('#')) {
    const auto number = parse_positive(name.substr(1));
    if (number && static_cast<std::size_t>(*number) <= header.size())
      found.push_back(static_cast<std::size_t>(*number) - 1);
  }
  return found;
}

std::string_view cell(const SampleRow& row, std::size_t position) {
  return position < row.fields.size() ? trim(row.fields[position]) : std::string_view{};
}

/// How many of the values of a column look like something.
struct Share {
  std::size_t filled{0};
  std::size_t like{0};

  [[nodiscard]] bool at_least(double part) const {
    return filled > 0 && static_cast<double>(like) >= part * static_cast<double>(filled);
  }
};

template <class Looks>
Share share_of(std::span<const SampleRow> sample, std::size_t position, Looks looks) {
  Share share;
  for (const auto& row : sample) {
    const auto value = cell(row, position);
    if (value.empty()) continue;
    ++share.filled;
    if (looks(value)) ++share.like;
  }
  return share;
}

/// A GTIN, or one that a spreadsheet damaged in a way that is recognised.
bool is_gtin_or_damaged(std::string_view value) {
  if (gtin_of_cell(value)) return true;
  const auto refusal = Gtin::parse(value);
  return !refusal && refusal.error() == GtinRefusal::scientific_notation;
}

/// Shorter numbers pass the check digit by chance.
bool is_long_gtin(std::string_view value) {
  return value.size() >= 12 && static_cast<bool>(gtin_of_cell(value));
}

bool is_whole_number(std::string_view value) {
  return static_cast<bool>(parse_whole_number(plain_cell(value)));
}

bool has_digit(std::string_view value) {
  return std::ranges::any_of(value, [](char c) { return c >= '0' && c <= '9'; });
}

/// More than 1, so that it is not the 0 or 1 of a column that says yes or no.
bool is_above_one(std::string_view value) {
  const auto number = quantity_of_cell(value, std::nullopt);
  return number && *number > 1;
}

bool is_question(std::string_view header) { return trim(header).ends_with('?'); }

bool is_small_number(std::string_view value) {
  constexpr std::size_t kDigitsMax = 6;
  return value.size() <= kDigitsMax + 3 && static_cast<bool>(quantity_of_cell(value, std::nullopt));
}

class Planner {
 public:
  Planner(ImportKind kind, Header header, std::span<const SampleRow> sample,
          const ColumnOptions& options)
      : kind_{kind}, header_{header}, sample_{sample}, options_{options} {
    for (const auto column : header_) {
      plan_.columns.push_back({.header = shown(column)});
      if (is_blank(column)) plan_.columns.back().use = Use::unnamed;
    }
    for (const auto& row : sample_) {
      for (std::size_t i = 0; i < header_.size(); ++i) {
        auto& samples = plan_.columns[i].samples;
        const auto value = trim(cell(row, i));
        if (samples.size() < kSamples && !value.empty())
          samples.push_back(to_valid_utf8(value, kSampleCharacters));
      }
    }
  }

  ColumnPlan plan() {
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
    if (kind_ == ImportKind::readings && plan_.fields.contains(ImportField::name)) {
      plan_.notes.emplace_back(
          "The names create products that are not known; known products keep their names.");
    }
    if (question_header()) return std::move(plan_);
    question_missing();
    question_unused();
    question_unnamed();
    question_dates();
    return std::move(plan_);
  }

 private:
  struct Candidate {
    std::size_t preference;
    std::size_t position;
    friend auto operator<=>(const Candidate&, const Candidate&) = default;
  };

  void ask(std::string question) { plan_.questions.push_back(std::move(question)); }

  void no_such_column(std::string_view option, std::string_view name) {
    ask(std::string{option} + " names a column " + quoted(name) +
        ", which the file does not have. Its columns are: " + list_of(header_) + ".");
  }

  void ignore_columns() {
    for (const auto& name : options_.ignore) {
      const auto found = find_columns(header_, name);
      if (found.empty()) no_such_column("--ignore", name);
      for (const auto position : found) plan_.columns[position].use = Use::ignored;
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
      auto& column = plan_.columns[found.front()];
      if (column.use == Use::used && column.field != field) {
        ask("Two --map name the column " + quoted(name) + ".");
        continue;
      }
      if (plan_.fields.contains(field)) {
        ask("Two --map name the field " + std::string{name_of(field)} + ".");
        continue;
      }
      column.use = Use::used;
      column.field = field;
      plan_.fields[field] = Column{{found.front()}};
      mapped_.insert(field);
    }
  }

  void recognise() {
    for (std::size_t i = 0; i < header_.size(); ++i) {
      auto& column = plan_.columns[i];
      if (column.use != Use::not_used) continue;
      const auto meaning = meaning_of(header_[i]);
      if (!meaning) continue;
      if (meaning->kind == Kind::known_unused) {
        column.use = Use::known_unused;
      } else if (!has_field(kind_, meaning->field) || mapped_.contains(meaning->field) ||
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
    if (meaning.kind != Kind::maybe_quantity && !is_question(header_[position])) return false;
    return share_of(sample_, position, is_above_one).like == 0;
  }

  void choose_quantity() {
    choose(ImportField::quantity);
    for (const auto position : yes_or_no_) {
      // Numbers of a file without another quantity stay a question.
      const bool asks = !plan_.fields.contains(ImportField::quantity) &&
                        !is_question(header_[position]) &&
                        share_of(sample_, position, has_digit).like > 0;
      if (!asks) plan_.columns[position].use = Use::known_unused;
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
      ask("The column " + quoted(header) +
          " has numbers, which may be ids of another system. If they are ids of shops: " +
          map_option(ImportField::shop, header) + "; if all rows are of one shop: --shop 7.");
      shop_is_question_ = true;
    }
    for (const auto& candidate : maybe_shop_) {
      plan_.columns[candidate.position].use = Use::known_unused;
    }
    choose(ImportField::shop);
  }

  void choose_gtin() {
    if (mapped_.contains(ImportField::gtin)) return;
    auto& candidates = candidates_[ImportField::gtin];
    std::ranges::sort(maybe_gtin_);
    if (candidates.empty()) {
      for (const auto& candidate : maybe_gtin_) {
        const auto share = share_of(sample_, candidate.position, is_gtin_or_damaged);
        const auto name = quoted(header_[candidate.position]);
        const auto of = std::to_string(share.like) + " of " + std::to_string(share.filled);
        if (candidates.empty() && share.at_least(kNearlyAll)) {
          candidates.push_back(candidate);
          plan_.notes.push_back("The column " + name + " holds the GTINs: " + of +
                                " of its first values are valid ones.");
        } else if (candidates.empty() && share.filled > 0) {
          weak_gtin_ = "The column " + name + " may hold numbers of your own: " + of +
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
      if (numbers) plan_.columns[candidate.position].use = Use::known_unused;
      return numbers;
    });
    std::ranges::sort(maybe_name_);
    if (candidates.empty() && !maybe_name_.empty()) {
      candidates.push_back(maybe_name_.front());
      plan_.notes.push_back("The column " + quoted(header_[maybe_name_.front().position]) +
                            " is taken as the name, because no other column is.");
    }
    for (const auto& candidate : maybe_name_) {
      if (candidates.empty() || candidates.front() != candidate) {
        plan_.columns[candidate.position].use = Use::known_unused;
      }
    }
    choose(ImportField::name);
  }

  /// Takes the candidates of a field. Texts come from the first filled column; for everything else
  /// several columns have to agree.
  void choose(ImportField field) {
    auto& candidates = candidates_[field];
    if (candidates.empty() || mapped_.contains(field)) return;
    std::ranges::sort(candidates);
    const bool first_filled =
        field == ImportField::name || field == ImportField::brand || field == ImportField::category;
    if (field == ImportField::brand || field == ImportField::category) {
      // Numbers are the ids of a brand or category; another column can have its name.
      std::ranges::stable_partition(candidates, [&](const Candidate& candidate) {
        return !share_of(sample_, candidate.position, is_whole_number).at_least(kMost);
      });
    }
    std::vector<std::size_t> positions;
    for (const auto& [preference, position] : candidates) {
      auto& column = plan_.columns[position];
      column.field = field;
      column.use = positions.empty() ? Use::used : first_filled ? Use::fallback : Use::compared;
      if (positions.empty() || !asks_about_difference(field, positions.front(), position)) {
        positions.push_back(position);
      }
    }
    plan_.fields[field] = Column{std::move(positions)};
  }

  /// Returns: whether two columns of a field differ in the sample, and which is meant is not known.
  bool asks_about_difference(ImportField field, std::size_t used, std::size_t other) {
    if (plan_.columns[other].use != Use::compared) return false;
    const auto differs = [&](const SampleRow& row) {
      const auto first = plain_cell(cell(row, used));
      const auto second = plain_cell(cell(row, other));
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
    ask("The columns " + quoted(header_[used]) + " and " + quoted(header_[other]) +
        " both hold the " + std::string{name_of(field)} + " and differ in line " +
        std::to_string(row->line) + ". Which one is it? " + option(used) + " or " + option(other) +
        ".");
    return true;
  }

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
      ask("The file has one column only: " + quoted(header_.front()) +
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
          std::string{name_of(field)} + "\". Its columns are: " + list_of(header_) +
          ". If one of them holds it: --map " + std::string{name_of(field)} + "=\"Column\"" +
          (field == ImportField::shop ? "; if all rows are of one shop: --shop 7." : "."));
    };
    if (weak_gtin_ && !plan_.fields.contains(ImportField::gtin)) ask(*weak_gtin_);
    if (!weak_gtin_) lacks(ImportField::gtin, "GTIN");
    if (kind_ == ImportKind::products) {
      lacks(ImportField::name, "product's name");
      return;
    }
    if (!options_.shop_given && !shop_is_question_) lacks(ImportField::shop, "shop");
    const auto has = [&](ImportField field) { return plan_.fields.contains(field); };
    if (!has(ImportField::expiry_date) && !has(ImportField::quantity) && !has(ImportField::kind)) {
      ask("The file has neither a column for the expiry date nor one for the quantity. Its columns "
          "are: " +
          list_of(header_) +
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
      ask("The column " + quoted(header_[i]) + " looks like " + described(*field) +
          " and is not used. To use it: " + map_option(*field, header_[i]) +
          "; to import without it: --ignore " + quoted(header_[i]) + ".");
    }
  }

  /// Without a column for the quantity, each column of whole numbers can be it.
  void question_numbers() {
    if (!has_field(kind_, ImportField::quantity) || plan_.fields.contains(ImportField::quantity))
      return;
    std::vector<std::size_t> numbers;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (plan_.columns[i].use == Use::not_used && !is_question(header_[i]) &&
          !suggested_field(i) && share_of(sample_, i, is_small_number).at_least(1)) {
        numbers.push_back(i);
      }
    }
    if (numbers.empty()) return;
    std::string names;
    std::string ignored;
    for (const auto position : numbers) {
      names += (names.empty() ? "" : ", ") + quoted(header_[position]);
      ignored +=
          (ignored.empty() ? "" : " ") + std::string{"--ignore "} + quoted(header_[position]);
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
      const auto one = gtin_of_cell(cell(row, used));
      const auto other = gtin_of_cell(cell(row, position));
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
    if (share_of(sample_, position, [](std::string_view) { return true; }).filled == 0 &&
        !sample_.empty()) {
      return std::nullopt;  // nothing is lost
    }
    const auto by_header = field_suggested_by(header_[position]);
    if (by_header && has_field(kind_, *by_header) && !mapped_.contains(*by_header) &&
        (by_header != ImportField::name || is_missing(ImportField::name))) {
      return by_header;
    }
    if (!mapped_.contains(ImportField::gtin) &&
        share_of(sample_, position, is_long_gtin).at_least(kMost)) {
      return ImportField::gtin;
    }
    if (kind_ == ImportKind::products) return std::nullopt;
    if (!mapped_.contains(ImportField::expiry_date) &&
        share_of(sample_, position, looks_like_date).at_least(kMost)) {
      return ImportField::expiry_date;
    }
    return std::nullopt;
  }

  void question_unnamed() {
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (plan_.columns[i].use != Use::unnamed || sample_.size() < 2) continue;
      const auto share = share_of(sample_, i, [](std::string_view) { return true; });
      if (share.filled < sample_.size()) continue;
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
      const auto value = plain_cell(cell(row, position));
      const auto date = parse_iso_date(value);
      if (date || date.error() == DateRefusal::not_a_date) continue;
      ask("The dates in the column " + quoted(header_[position]) +
          " are not written as YYYY-MM-DD: " + "line " + std::to_string(row.line) + " has \"" +
          to_valid_utf8(value, 30) +
          "\". Which format is it? For example --date-format DD.MM.YYYY, DD/MM/YYYY, MM/DD/YYYY, "
          "DD-MMM-YY, MM/YYYY or excel.");
      return;
    }
  }

  const ImportKind kind_;
  const Header header_;
  const std::span<const SampleRow> sample_;
  const ColumnOptions& options_;
  ColumnPlan plan_;
  std::set<ImportField> mapped_;
  std::map<ImportField, std::vector<Candidate>> candidates_;
  std::vector<Candidate> maybe_gtin_;
  std::vector<Candidate> maybe_name_;
  std::vector<Candidate> maybe_shop_;
  std::vector<std::size_t> yes_or_no_;  // columns that could hold a quantity by their header
  bool shop_is_question_{false};
  std::optional<std::string> weak_gtin_;
};

}  // namespace

std::string_view Column::of(std::span<const std::string_view> fields) const {
  for (const auto position : positions_) {
    if (position >= fields.size()) continue;
    const auto field = trim(fields[position]);
    if (!field.empty()) return field;
  }
  return {};
}

const Column& ColumnPlan::operator[](ImportField field) const {
  static const Column kNone;
  const auto found = fields.find(field);
  return found == fields.end() ? kNone : found->second;
}

std::size_t count_recognised(ImportKind kind, Header header, const ColumnOptions& options) {
  std::set<ImportField> fields;
  std::size_t others = 0;
  for (const auto column : header) {
    if (is_blank(column)) continue;
    if (const auto meaning = meaning_of(column)) {
      if (meaning->kind == Kind::known_unused || !has_field(kind, meaning->field)) {
        continue;
      }
      fields.insert(meaning->field);
    }
  }
  for (const auto& [field, name] : options.map) {
    if (!find_columns(header, name).empty() && !name.starts_with('#')) ++others;
  }
  return fields.size() + others;
}

ColumnPlan plan_columns(ImportKind kind, Header header, std::span<const SampleRow> sample,
                        const ColumnOptions& options) {
  return Planner{kind, header, sample, options}.plan();
}

}  // namespace codasync::storage
