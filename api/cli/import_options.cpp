#include "api/cli/import_options.hpp"

#include "api/imports/import_options.hpp"

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
  add_repeated(command, "--map", "FIELD=COLUMN",
               "Read a field from this column only; repeatable. COLUMN: its name, or its number as "
               "#3. Fields: " +
                   storage::field_names(kind),
               [&options, kind](const std::string& text) { return set_map(options, kind, text); });
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
      [&options](const std::string& text) { return set_encoding(options, text); });
  command.add_flag_callback(
      "--restore-zeros", [&options] { options.rows.lost_zeros = storage::LostZeros::restore; },
      "Treat 11-digit codes as UPC-A with a missing leading zero");
  add(command, "--max-refused", "N|N%",
      "Stop when more rows are refused than this; a percentage is compared after each 1,000 rows "
      "and at the end",
      [&options](const std::string& text) { return set_max_refused(options, text); });
}

void add_product_options(CLI::App& command, storage::ImportOptions& options) {
  command.add_flag_callback(
      "--clear-empty", [&options] { options.rows.empty_cells = storage::EmptyCells::clear; },
      "An empty brand or category of the file clears the one of the product. Default: it changes "
      "nothing");
}

void add_reading_options(CLI::App& command, storage::ImportOptions& options) {
  add(command, "--shop", "ID", "The shop of all rows; a column for it is not used",
      [&options](const std::string& text) { return set_shop(options, text); });
  add(command, "--date-format", "FORMAT",
      "Format of dates that are not written as YYYY-MM-DD, such as DD.MM.YYYY, MM/DD/YY, "
      "DD-MMM-YY, "
      "MM/YYYY (last day of the month) or excel (number of days)",
      [&options](const std::string& text) { return set_date_format(options, text); });
  add(command, "--decimal", "MARK", "The decimal mark of quantities: . or ,",
      [&options](const std::string& text) { return set_decimal(options, text); });
  add(command, "--lots", "RULE",
      "Several rows for one product in one shop: sum adds the quantities and takes the earliest "
      "date, last takes the last row, refuse only the first one. Without it such a file is not "
      "imported",
      [&options](const std::string& text) { return set_lots(options, text); });
}

}  // namespace

void add_files_option(CLI::App& command, ImportRequest& request) {
  command
      .add_option(
          "FILE", request.files,
          "Files with the names of the columns in a row above the data, separated by comma, "
          "semicolon, tab or |; or one JSON object on each line; also packed with gzip. -: "
          "standard "
          "input")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--refused", request.refused,
                  "Write refused rows (line, field, reason) to this CSV file instead of stderr")
      ->type_name("FILE");
}

void add_import_options(CLI::App& command, storage::ImportKind kind, ImportRequest& request) {
  add_files_option(command, request);
  add_columns(command, kind, request.options);
  add_formats(command, request.options);
  if (kind == storage::ImportKind::products) add_product_options(command, request.options);
  if (kind == storage::ImportKind::readings) add_reading_options(command, request.options);
  command.add_flag(
      "--dry-run", request.dry_run,
      "Write nothing; show what would change (old and new values) and what would be refused");
}

}  // namespace codasync::api::cli
