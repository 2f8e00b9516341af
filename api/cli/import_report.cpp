#include "api/cli/import_report.hpp"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "api/cli/describe.hpp"

namespace codasync::api::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBarWidth = 30;

std::string quoted(const std::string& text) {
  std::string quoted{"\""};
  for (const char c : text) quoted.append(c == '"' ? "\"\"" : std::string{c});
  return quoted + "\"";
}

std::string megabytes(std::uint64_t bytes) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(1) << static_cast<double>(bytes) / 1e6 << " MB";
  return text.str();
}

std::string delimiter_name(char delimiter) {
  switch (delimiter) {
    case ',':
      return "comma";
    case ';':
      return "semicolon";
    case '\t':
      return "tab";
    case '|':
      return "vertical bar";
    default:
      return std::string{'"', delimiter, '"'};
  }
}

/// Returns: `lines 1, 2 and 4` of the record numbers.
std::string list_of(const std::vector<std::size_t>& lines) {
  std::string text = lines.size() == 1 ? "line " : "lines ";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) text += i + 1 == lines.size() ? " and " : ", ";
    text += std::to_string(lines[i]);
  }
  return text;
}

/// Returns: the headers of the columns with one of these uses, in quotation marks.
std::string headers(const storage::ColumnPlan& plan,
                    const std::function<bool(const storage::ColumnUse&)>& wanted) {
  std::string text;
  for (const auto& column : plan.columns) {
    if (wanted(column)) text += (text.empty() ? "\"" : ", \"") + column.header + "\"";
  }
  return text;
}

void print_columns(std::ostream& out, const storage::ColumnPlan& plan) {
  using Use = storage::ColumnUse::Use;
  for (const auto& [field, columns] : plan.fields) {
    out << "  " << std::left << std::setw(12) << storage::name_of(field) << " from ";
    bool first = true;
    for (const auto position : columns.positions()) {
      const auto& column = plan.columns[position];
      out << (first                         ? ""
              : column.use == Use::compared ? ", the same as "
                                            : ", else ")
          << '"' << column.header << '"';
      first = false;
    }
    out << '\n';
  }
  const auto line = [&](const char* title, const std::string& names) {
    if (!names.empty()) out << "  " << title << ": " << names << '\n';
  };
  line("not used", headers(plan, [](const auto& column) { return column.use == Use::not_used; }));
  line("known, not part of this import",
       headers(plan, [](const auto& column) { return column.use == Use::known_unused; }));
  line("ignored by --ignore",
       headers(plan, [](const auto& column) { return column.use == Use::ignored; }));
  const auto unnamed = std::ranges::count(plan.columns, Use::unnamed, &storage::ColumnUse::use);
  if (unnamed > 0) {
    out << "  without a name: " << unnamed << (unnamed == 1 ? " column" : " columns")
        << "; a row with a value there is refused\n";
  }
}

}  // namespace

ImportReport::ImportReport(const std::optional<std::filesystem::path>& refused,
                           ImportRecording* recording)
    : recording_{recording} {
  if (!refused) return;
  const MutexLock hold{mutex_};
  refused_.open(*refused, std::ios::trunc);
  refused_ << "line,field,reason\n";
  if (!refused_) throw std::runtime_error{"cannot write " + refused->string()};
}

void ImportReport::start(const std::string& file, std::optional<std::uint64_t> bytes_total) {
  const MutexLock hold{mutex_};
  file_ = file;
  bytes_total_ = bytes_total;
  start_ = Clock::now();
  refused_rows_ = 0;
  changes_ = 0;
  counts_ = {};
}

void ImportReport::plan(const storage::FilePlan& plan) {
  const MutexLock hold{mutex_};
  line_.clear();
  std::cerr << file_ << ": " << (plan.compressed ? "gzip, " : "") << plan.encoding;
  if (plan.json_lines) {
    std::cerr << ", JSON lines";
  } else {
    std::cerr << ", separator " << delimiter_name(plan.delimiter) << ", column names in line "
              << plan.header_line;
  }
  if (!plan.lines_before.empty()) {
    std::cerr << " (" << list_of(plan.lines_before) << " before it: not used)";
  }
  std::cerr << '\n';
  print_columns(std::cerr, plan.columns);
  for (const auto& note : plan.columns.notes) std::cerr << "  " << note << '\n';
}

void ImportReport::refuse(const storage::RowRefusal& refusal) noexcept {
  const MutexLock hold{mutex_};
  ++refused_rows_;
  if (refused_.is_open()) {
    refused_ << refusal.line << ',' << refusal.field << ',' << quoted(refusal.reason) << '\n';
    return;
  }
  line_.clear();
  std::cerr << "line " << refusal.line << ": " << refusal.field
            << (refusal.field.empty() ? "" : ": ") << refusal.reason << '\n';
}

void ImportReport::change(const storage::CatalogueStore::ProductDifference& difference) noexcept {
  show(describe(difference));
}

void ImportReport::change(std::size_t line, const storage::Written& written) noexcept {
  if (const auto text = describe(written)) show("line " + std::to_string(line) + ": " + *text);
}

void ImportReport::show(const std::string& text) {
  const MutexLock hold{mutex_};
  if (++changes_ > kImportChangesShown) return;
  line_.clear();
  std::cout << text << '\n';
}

void ImportReport::progress(const storage::ImportCounts& counts) {
  const MutexLock hold{mutex_};
  counts_ = counts;
  line_.show([&]() CODASYNC_REQUIRES(mutex_) {
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    std::ostringstream line;
    if (bytes_total_) {
      const double done =
          std::min(1.0, static_cast<double>(counts.bytes) /
                            static_cast<double>(std::max<std::uint64_t>(*bytes_total_, 1)));
      const auto filled = static_cast<std::size_t>(done * kBarWidth);
      line << '[' << std::string(filled, '#') << std::string(kBarWidth - filled, '.') << "] "
           << static_cast<int>(done * 100) << " %  ";
    }
    line << megabytes(counts.bytes) << "  " << counts.rows() << " rows, "
         << static_cast<std::uint64_t>(static_cast<double>(counts.rows()) / seconds) << "/s, "
         << refused_rows_ << " refused";
    return line.str();
  });
}

std::size_t ImportReport::finish(const std::string& details) {
  const MutexLock hold{mutex_};
  line_.clear();
  refused_.flush();
  if (changes_ > kImportChangesShown) {
    std::cout << "and " << changes_ - kImportChangesShown << " more changes\n";
  }
  std::cout << std::flush;
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  std::cerr << counts_.rows() << " rows (" << megabytes(counts_.bytes) << ") in " << std::fixed
            << std::setprecision(1) << seconds << " s: " << details << ", " << refused_rows_
            << " refused.\n";
  return refused_rows_;
}

}  // namespace codasync::api::cli
