#include "storage/import/import.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "storage/import/csv_reader.hpp"
#include "storage/import/dialect.hpp"
#include "storage/import/file_kinds.hpp"
#include "storage/import/file_text.hpp"
#include "storage/import/json_lines.hpp"
#include "storage/import/record_rules.hpp"
#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

constexpr std::size_t kSampleRows = 500;  // decide what the header does not
constexpr std::size_t kSampleBytes = 1024UL * 1024;
constexpr std::size_t kPercentRowsMin = 100;  // before that a part of the rows says nothing

/// Returns the next record of a file, or null at the end.
using Records = std::function<const CsvRecord*()>;

/// What the first part of a file says about the rest.
struct Opening {
  FilePlan plan;
  std::vector<OwnRecord> sample;
};

/// Reads the sample, and decides what the columns are for.
void read_sample(const Records& next, std::span<const std::string_view> header, ImportKind kind,
                 const ImportOptions& options, Opening& opening) {
  for (std::size_t bytes = 0; opening.sample.size() < kSampleRows && bytes < kSampleBytes;) {
    const auto* record = next();
    if (record == nullptr) break;
    opening.sample.emplace_back(*record);
    bytes += opening.sample.back().bytes();
  }
  std::vector<std::vector<std::string_view>> fields;
  std::vector<SampleRow> rows;
  fields.reserve(opening.sample.size());
  for (const auto& own : opening.sample) {
    if (own.refusal || is_blank(own.record())) continue;
    fields.push_back(own.fields());
    rows.push_back({own.line, fields.back()});
  }
  opening.plan.columns = plan_columns(kind, header, rows, options.columns);
}

/// Reads up to the end of the sample.
Outcome<Opening, FileRefusal> open(CsvReader& reader, const Dialect& dialect, ImportKind kind,
                                   const ImportOptions& options) {
  Opening opening;
  opening.plan.delimiter = dialect.delimiter;
  const CsvRecord* record = nullptr;
  for (std::size_t i = 0; i <= dialect.records_before_header; ++i) {
    record = reader.next();
    if (record == nullptr) return FileRefusal{"The file is empty."};
    if (i == dialect.records_before_header) break;
    const bool declares =
        i == 0 && !record->fields.empty() &&
        (record->fields.front().starts_with("sep=") || record->fields.front().starts_with("SEP="));
    if (!is_blank(*record) && !declares) opening.plan.lines_before.push_back(record->line);
  }
  if (record->refusal) {
    return FileRefusal{
        "Line " + std::to_string(record->line) +
        ", which should have the names of the columns: " + std::string{explain(*record->refusal)}};
  }
  opening.plan.header_line = record->line;
  const OwnRecord header{*record};
  const auto names = header.fields();
  read_sample([&] { return reader.next(); }, names, kind, options, opening);
  return opening;
}

/// The same for JSON lines.
Outcome<Opening, FileRefusal> open(JsonLines& reader, ImportKind kind,
                                   const ImportOptions& options) {
  if (reader.columns().empty())
    return FileRefusal{
        "The file begins like JSON, but no line is a JSON object with members. Write one object on "
        "each line (JSON lines), or CSV."};
  Opening opening;
  opening.plan.json_lines = true;
  const std::vector<std::string_view> names{reader.columns().begin(), reader.columns().end()};
  read_sample([&] { return reader.next(); }, names, kind, options, opening);
  return opening;
}

template <class File>
class Import {
 public:
  using Row = typename File::Row;

  Import(ByteSource& bytes, const ImportOptions& options, const ImportSink<Row>& sink)
      : bytes_{bytes}, options_{options}, sink_{sink} {}

  Outcome<ImportCounts, FileRefusal> run() {
    PeekedSource peeked{bytes_};
    const std::string_view front{peeked.front().data(), peeked.front().size()};
    const bool compressed = front.starts_with("\x1F\x8B");
    if (!compressed) {
      if (auto reason = explain_other_format(front); !reason.empty()) return FileRefusal{reason};
      return read(peeked, false);
    }
    GzipSource unpacked{peeked};
    PeekedSource content{unpacked};
    if (auto reason = explain_other_format({content.front().data(), content.front().size()});
        !reason.empty()) {
      return FileRefusal{reason};
    }
    return read(content, true);
  }

 private:
  Outcome<ImportCounts, FileRefusal> read(ByteSource& content, bool compressed) {
    FileText text{content, options_.encoding};
    const auto head = text.head();
    if (head.find_first_not_of(" \t\r\n") == head.npos && text.head_is_all())
      return FileRefusal{"The file is empty."};
    const bool is_utf8 = text.encoding().kind == FileEncoding::Kind::utf8;
    if (is_utf8 && options_.encoding.kind == FileEncoding::Kind::automatic) {
      if (auto reason = refuse_as_utf8(head, text.head_is_all())) return FileRefusal{*reason};
    }
    // A few are damage, which refuses its rows.
    const auto zeros = static_cast<std::size_t>(std::ranges::count(head, '\0'));
    if (zeros * 10 > head.size() && !is_utf8) {
      return FileRefusal{"This is not a text in " + text.encoding().name +
                         ", because it has many zero bytes. If it is a text in UTF-32, save it as "
                         "\"CSV UTF-8\"."};
    }
    if (zeros * 10 > head.size()) {
      return FileRefusal{"The text has a zero byte between its characters: it is not " +
                         text.encoding().name +
                         ", but probably UTF-16. Try --encoding utf-16le or --encoding utf-16be."};
    }
    const auto next_piece = [&text] { return text.next(); };
    if (is_json_lines(head)) {
      JsonLines reader{head, next_piece};
      // No line of a text has this delimiter, so no text is taken for a row of the file.
      return read([&] { return reader.next(); }, '\n', open(reader, File::kKind, options_), text,
                  compressed);
    }
    const auto dialect = recognise_dialect(File::kKind, head, options_.columns);
    CsvReader reader{next_piece, dialect.delimiter};
    return read([&] { return reader.next(); }, dialect.delimiter,
                open(reader, dialect, File::kKind, options_), text, compressed);
  }

  Outcome<ImportCounts, FileRefusal> read(const Records& next, char delimiter,
                                          Outcome<Opening, FileRefusal> opened,
                                          const FileText& text, bool compressed) {
    if (!opened) return opened.error();
    auto [plan, sample] = std::move(opened).value();
    plan.encoding = text.encoding().name;
    plan.compressed = compressed;
    sink_.planned(plan);
    if (!plan.columns.questions.empty()) return FileRefusal{joined(plan.columns.questions, "\n")};

    File file{plan.columns, options_};
    const RecordRules rules{plan.columns, delimiter};
    if (const auto question = file.question(sample, rules)) return FileRefusal{*question};
    return import_rows(next, std::move(sample), file, rules);
  }

  Outcome<ImportCounts, FileRefusal> import_rows(const Records& next, std::vector<OwnRecord> sample,
                                                 File& file, const RecordRules& rules) {
    std::optional<FileRefusal> stopped;
    try {
      for (const auto& own : sample) {
        if (!take(own.record(), file, rules)) return stop(file);
      }
      sample = {};
      while (const auto* record = next()) {
        if (!take(*record, file, rules)) return stop(file);
      }
    } catch (const ReadFailed& failure) {
      stopped = FileRefusal{failure.what()};
    }
    if (!stopped && is_over_limit(true)) return stop(file);
    deliver(file);
    if (stopped) return *stopped;
    if (counts_.rows() == 0) return FileRefusal{"The file has the names of columns and no rows."};
    return counts_;
  }

  /// Returns: whether the import continues.
  bool take(const CsvRecord& record, File& file, const RecordRules& rules) {
    if (is_blank(record)) return true;
    auto refusal = rules.refuse(record);
    if (!refusal) {
      auto row = file.parse(record.line, record.fields);
      if (row) {
        refusal = file.add(std::move(row).value());
      } else {
        refusal = row.error();
      }
    }
    if (refusal) {
      ++counts_.refused;
      sink_.refused(*refusal);
      if (is_over_limit(false)) return false;
    } else {
      ++counts_.accepted;
    }
    if (counts_.rows() % kImportBatchMax != 0) return true;
    if (is_over_limit(counts_.rows() >= kPercentRowsMin)) return false;
    deliver(file);
    return true;
  }

  /// `with_percent`: whether there are enough rows for a part of them.
  [[nodiscard]] bool is_over_limit(bool with_percent) const {
    const auto& limit = options_.refused_max;
    const auto refused = counts_.refused + (sink_.refused_later ? sink_.refused_later() : 0);
    if (limit.rows && refused > *limit.rows) return true;
    return with_percent && limit.percent && counts_.rows() > 0 &&
           static_cast<double>(refused) * 100 >
               *limit.percent * static_cast<double>(counts_.rows());
  }

  void deliver(File& file) {
    counts_.bytes = bytes_.bytes_read();
    counts_.repeated = file.repeated;
    if (auto rows = file.take(); !rows.empty()) {
      delivered_ += rows.size();
      sink_.batch(std::move(rows));
    }
    sink_.progress(counts_);
  }

  FileRefusal stop(File& file) {
    const auto dropped = file.take().size();
    counts_.accepted -= std::min(counts_.accepted, dropped);
    sink_.progress(counts_);
    return {"More rows were refused than --max-refused allows, so the import stopped. " +
            (delivered_ == 0 ? std::string{"No row was taken."}
                             : std::to_string(delivered_) + " rows before that were taken.")};
  }

  ByteSource& bytes_;
  const ImportOptions& options_;
  const ImportSink<Row>& sink_;
  ImportCounts counts_;
  std::size_t delivered_{0};
};

template <class File>
Outcome<ImportCounts, FileRefusal> import_file(ByteSource& bytes, const ImportOptions& options,
                                               const ImportSink<typename File::Row>& sink) {
  try {
    return Import<File>{bytes, options, sink}.run();
  } catch (const ReadFailed& failure) {
    return FileRefusal{failure.what()};
  }
}

}  // namespace

std::optional<RefusalLimit> parse_refusal_limit(std::string_view text) {
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  while (percent && text.ends_with(' ')) text.remove_suffix(1);
  RefusalLimit limit;
  const auto* const end = text.data() + text.size();
  if (percent) {
    double value = 0;
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || rest != end || !(value >= 0 && value <= 100)) return std::nullopt;
    limit.percent = value;
  } else {
    std::uint64_t value = 0;
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || rest != end) return std::nullopt;
    limit.rows = value;
  }
  return limit;
}

Outcome<ImportCounts, FileRefusal> import_products(ByteSource& bytes, const ImportOptions& options,
                                                   const ImportSink<ProductRow>& sink) {
  return import_file<ProductFile>(bytes, options, sink);
}

Outcome<ImportCounts, FileRefusal> import_readings(ByteSource& bytes, const ImportOptions& options,
                                                   const ImportSink<ImportedReading>& sink) {
  return import_file<ReadingFile>(bytes, options, sink);
}

}  // namespace codasync::storage
