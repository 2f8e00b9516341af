#include "api/cli/import_options.hpp"

#include "storage/model/number.hpp"

namespace codasync::api::cli {
namespace {

using Texts = std::vector<std::string>;

[[noreturn]] void refuse(const std::string& option, const std::string& why) {
  throw CLI::ValidationError{option, why};
}

/// Adds an option with a text of its own for values that it does not accept.
template <class Take>
CLI::Option* add(CLI::App& command, const std::string& name, const std::string& value,
                 const std::string& description, Take take) {
  return command
      .add_option_function<std::string>(
          name,
          [name, take](const std::string& text) {
            if (const std::string why = take(text); !why.empty()) refuse(name, why);
          },
          description)
      ->type_name(value);
}

/// The same for an option that can be repeated.
template <class Take>
void add_repeated(CLI::App& command, const std::string& name, const std::string& value,
                  const std::string& description, Take take) {
  command
      .add_option_function<Texts>(
          name,
          [name, take](const Texts& texts) {
            for (const auto& text : texts) {
              if (const std::string why = take(text); !why.empty()) refuse(name, why);
            }
          },
          description)
      ->type_name(value)
      ->allow_extra_args(false);
}

void add_columns(CLI::App& command, storage::ImportKind kind, storage::ImportOptions& options) {
  const auto fields = storage::field_names(kind);
  add_repeated(command, "--map", "FIELD=COLUMN",
               "Read a field from this column only; repeatable. COLUMN: its name, or its number as "
               "#3. Fields: " +
                   fields,
               [&options, fields](const std::string& text) -> std::string {
                 const auto equals = text.find('=');
                 const auto field = storage::parse_import_field(text.substr(0, equals));
                 if (equals == std::string::npos || equals + 1 == text.size())
                   return "\"" + text + "\" must be FIELD=COLUMN, such as gtin=\"EAN code\"";
                 if (!field)
                   return "\"" + text.substr(0, equals) + "\" is not a field; the fields are " +
                          fields;
                 options.columns.map.emplace_back(*field, text.substr(equals + 1));
                 return {};
               });
  add_repeated(command, "--ignore", "COLUMN", "Import without this column; repeatable",
               [&options](const std::string& text) -> std::string {
                 options.columns.ignore.push_back(text);
                 return {};
               });
}

void add_formats(CLI::App& command, storage::ImportOptions& options) {
  add(command, "--encoding", "NAME",
      "Encoding of the file: " + std::string{storage::file_encoding_names()} +
          ". Default: UTF-8, or UTF-16 where the file shows it",
      [&options](const std::string& text) -> std::string {
        const auto encoding = storage::parse_file_encoding(text);
        if (!encoding)
          return "\"" + text + "\" is not one of " + std::string{storage::file_encoding_names()};
        options.encoding = *encoding;
        return {};
      });
  command.add_flag_callback(
      "--restore-zeros", [&options] { options.rows.lost_zeros = storage::LostZeros::restore; },
      "Treat 11-digit codes as UPC-A with a missing leading zero");
  add(command, "--max-refused", "N|N%",
      "Stop when more rows are refused than this; a percentage is compared after each 1,000 rows "
      "and at the end",
      [&options](const std::string& text) -> std::string {
        const auto limit = storage::parse_refusal_limit(text);
        if (!limit)
          return "\"" + text + "\" must be a number of rows, such as 20, or a part, such as 5%";
        options.refused_max = *limit;
        return {};
      });
}

void add_reading_options(CLI::App& command, storage::ImportOptions& options) {
  add(command, "--shop", "ID", "The shop of all rows; a column for it is not used",
      [&options](const std::string& text) -> std::string {
        const auto id = parse_positive(text);
        if (!id) return "\"" + text + "\" is not the id of a shop, such as 7";
        options.rows.shop = ShopId{*id};
        options.columns.shop_given = true;
        return {};
      });
  add(command, "--date-format", "FORMAT",
      "Format of dates that are not written as YYYY-MM-DD, such as DD.MM.YYYY, MM/DD/YY, "
      "DD-MMM-YY, "
      "MM/YYYY (last day of the month) or excel (number of days)",
      [&options](const std::string& text) -> std::string {
        options.rows.date_format = storage::DateFormat::parse(text);
        if (!options.rows.date_format)
          return "\"" + text +
                 "\" must have a month (M, MM or MMM), a year (YY or YYYY) and usually a "
                 "day (D or DD), such as DD.MM.YYYY; or be excel";
        options.columns.date_format_given = true;
        return {};
      });
  add(command, "--decimal", "MARK", "The decimal mark of quantities: . or ,",
      [&options](const std::string& text) -> std::string {
        if (text != "." && text != ",") return "\"" + text + "\" must be . or ,";
        options.rows.decimal_mark = static_cast<storage::DecimalMark>(text.front());
        return {};
      });
  add(command, "--lots", "RULE",
      "Several rows for one product in one shop: sum adds the quantities and takes the earliest "
      "date, last takes the last row, refuse only the first one. Without it such a file is not "
      "imported",
      [&options](const std::string& text) -> std::string {
        const auto rule = storage::parse_lot_rule(text);
        if (!rule) return "\"" + text + "\" must be sum, last or refuse";
        options.lots = *rule;
        return {};
      });
}

}  // namespace

void add_import_options(CLI::App& command, storage::ImportKind kind, ImportRequest& request) {
  command
      .add_option(
          "FILE", request.files,
          "Files with the names of the columns in a row above the data, separated by comma, "
          "semicolon, tab or |; also packed with gzip. -: standard input")
      ->required()
      ->type_name("FILE");
  add_columns(command, kind, request.options);
  add_formats(command, request.options);
  if (kind == storage::ImportKind::readings) add_reading_options(command, request.options);
  command.add_flag(
      "--dry-run", request.dry_run,
      "Write nothing; show what would change (old and new values) and what would be refused");
  command
      .add_option("--refused", request.refused,
                  "Write refused rows (line, field, reason) to this CSV file instead of stderr")
      ->type_name("FILE");
}

}  // namespace codasync::api::cli
