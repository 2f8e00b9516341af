#include "storage/import/import.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <unordered_map>
#include <utility>

#include "storage/import/csv_reader.hpp"
#include "storage/import/dialect.hpp"
#include "storage/import/utf8_source.hpp"
#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

using Fields = std::span<const std::string_view>;

constexpr std::size_t kHeadBytes = 256UL * 1024;  // decide delimiter, header and encoding
constexpr std::size_t kSampleRows = 500;          // decide what the header does not
constexpr std::size_t kSampleBytes = 1024UL * 1024;
constexpr std::size_t kPercentRowsMin = 100;  // before that a part of the rows says nothing

// ------------------------------------------------------------------------------------------ text

/// The text of a source: its first part at once, and then the rest in pieces.
class Text {
 public:
  Text(ByteSource& bytes, const FileEncoding& encoding) : source_{bytes, encoding} {
    while (head_.size() < kHeadBytes && !ended_) {
      const auto piece = source_.next();
      head_ += piece;
      ended_ = piece.empty();
    }
  }

  /// Returns: the first part, also after it was read.
  [[nodiscard]] std::string_view head() const noexcept { return head_; }
  [[nodiscard]] bool head_is_all() const noexcept { return ended_; }
  [[nodiscard]] const FileEncoding& encoding() const noexcept { return source_.encoding(); }

  std::string_view next() {
    if (!std::exchange(head_read_, true)) return head_;
    return ended_ ? std::string_view{} : source_.next();
  }

 private:
  Utf8Source source_;
  std::string head_;
  bool ended_{false};
  bool head_read_{false};
};

/// What a text says about its encoding.
struct Utf8Check {
  std::size_t first_invalid{std::string_view::npos};
  std::size_t invalid{0};  // bytes
  std::size_t longer{0};   // valid characters of two or more bytes
};

/// A character that the end of the text cuts is valid when `is_all` is false.
Utf8Check check_utf8(std::string_view text, bool is_all) {
  Utf8Check check;
  for (std::size_t at = 0; at < text.size();) {
    const auto length = utf8_length(text.substr(at));
    constexpr std::size_t kLongest = 4;
    if (length == 0) {
      if (!is_all && text.size() - at < kLongest) break;
      if (check.invalid++ == 0) check.first_invalid = at;
    }
    if (length > 1) ++check.longer;
    at += std::max<std::size_t>(length, 1);
  }
  return check;
}

/// Returns: what the text at this place means in Windows-1252, and what to do.
std::string explain_encoding(std::string_view text, const Utf8Check& check) {
  const auto at = check.first_invalid;
  constexpr std::string_view kEnds = ",;\t|\r\n\"";
  constexpr std::size_t kShownMax = 60;
  const auto before = text.substr(0, at).find_last_of(kEnds);
  const auto begin =
      std::max(before == text.npos ? 0 : before + 1, at < kShownMax ? 0 : at - kShownMax);
  const auto end = std::min({text.find_first_of(kEnds, at), text.size(), at + kShownMax});
  const auto line = std::ranges::count(text.substr(0, at), '\n') + 1;
  if (check.longer > check.invalid) {
    return "The file is UTF-8, but not everywhere: the first damaged place is in line " +
           std::to_string(line) + ". To refuse only the rows that are not valid: --encoding utf-8.";
  }
  return "The file is not valid UTF-8. In line " + std::to_string(line) +
         ", read as windows-1252, is \"" +
         decoded_as_windows_1252(text.substr(begin, end - begin)) +
         "\". If that is right, as in files of spreadsheets in western Europe: --encoding "
         "windows-1252. Other encodings: " +
         std::string{file_encoding_names()} +
         ". To refuse only the rows that are not valid: --encoding utf-8.";
}

// --------------------------------------------------------------------------------------- records

/// A record of the sample.
struct OwnRecord {
  explicit OwnRecord(const CsvRecord& record)
      : line{record.line},
        texts(record.fields.begin(), record.fields.end()),
        refusal{record.refusal},
        at_end{record.at_end} {}

  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto& text : texts) sum += text.size();
    return sum;
  }
  [[nodiscard]] std::vector<std::string_view> fields() const {
    return {texts.begin(), texts.end()};
  }
  [[nodiscard]] CsvRecord record() const { return {line, fields(), refusal, at_end}; }

  std::size_t line;
  std::vector<std::string> texts;
  std::optional<CsvRefusal> refusal;
  bool at_end;
};

/// Spreadsheets write empty rows as separators only.
bool is_blank(const CsvRecord& record) {
  return !record.refusal && std::ranges::all_of(record.fields, [](std::string_view field) {
    return trim(field).empty();
  });
}

/// Returns: whether a field with line ends holds what looks like a row of the file: a quotation
/// mark is missing, and the rows up to the next one would become a part of a name.
bool holds_a_row(std::string_view field, char delimiter) {
  auto end = field.find_first_of("\r\n");
  while (end != field.npos) {
    field.remove_prefix(end + 1);
    end = field.find_first_of("\r\n");
    const auto line = field.substr(0, std::min(end, field.size()));
    for (std::size_t begin = 0; begin <= line.size();) {
      const auto stop = std::min(line.find(delimiter, begin), line.size());
      const auto part = line.substr(begin, stop - begin);
      const bool alone = begin == 0 && stop == line.size();
      if (!alone && part.size() >= 8 && gtin_of_cell(part)) return true;
      begin = stop + 1;
    }
  }
  return false;
}

/// A field whose columns have to agree.
struct ComparedColumns {
  ImportField field;
  std::vector<std::size_t> positions;
};

std::vector<ComparedColumns> compared_columns(const ColumnPlan& plan) {
  std::vector<ComparedColumns> compared;
  for (const auto& [field, column] : plan.fields) {
    const auto& positions = column.positions();
    const auto used = [&](std::size_t position) {
      return plan.columns[position].use == ColumnUse::Use::compared;
    };
    if (std::ranges::any_of(positions, used)) compared.push_back({field, positions});
  }
  return compared;
}

bool agree(const ComparedColumns& columns, Fields fields) {
  std::optional<std::string> first;
  for (const auto position : columns.positions) {
    auto value = position < fields.size() ? plain_cell(fields[position]) : std::string{};
    if (value.empty()) continue;
    if (columns.field == ImportField::gtin) {
      const auto gtin = gtin_of_cell(value);
      if (!gtin && !first) return true;  // the row is refused because of this GTIN
      if (gtin) value = gtin->canonical();
    }
    if (!first) first = value;
    if (*first != value) return false;
  }
  return true;
}

/// The rules for a record as a whole.
class RecordRules {
 public:
  RecordRules(const ColumnPlan& plan, char delimiter)
      : plan_{plan}, delimiter_{delimiter}, compared_{compared_columns(plan)} {}

  /// Returns: why the row is refused whatever its fields say.
  [[nodiscard]] std::optional<RowRefusal> refuse(const CsvRecord& record) const {
    const auto refused = [&](std::string_view field, std::string reason) {
      return RowRefusal{record.line, std::string{field}, std::move(reason)};
    };
    if (record.refusal) return refused("", std::string{explain(*record.refusal)});
    const auto& fields = record.fields;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (!plan_.is_named(i) && !trim(fields[i]).empty()) {
        return refused(
            "", i < plan_.columns.size()
                    ? "Field " + std::to_string(i + 1) +
                          " has a value, but its column has no name; a text that contains the "
                          "separator belongs in quotation marks. To import without the column: "
                          "--ignore \"#" +
                          std::to_string(i + 1) + "\"."
                    : "The row has more fields than the file has columns; a text that contains the "
                      "separator belongs in quotation marks.");
      }
      if (fields[i].find_first_of("\r\n") != std::string_view::npos &&
          holds_a_row(fields[i], delimiter_)) {
        return refused("", "A quotation mark is missing: field " + std::to_string(i + 1) +
                               " contains the next rows.");
      }
    }
    if (record.at_end && fields.size() < plan_.columns.size()) {
      return refused("",
                     "The last row has fewer fields than the others and no line end: the file "
                     "may have been cut.");
    }
    for (const auto& columns : compared_) {
      if (agree(columns, fields)) continue;
      std::string names;
      for (const auto position : columns.positions) {
        names += (names.empty() ? "\"" : ", \"") + plan_.columns[position].header + "\"";
      }
      return refused(columns.field == ImportField::gtin ? "GTIN" : name_of(columns.field),
                     "The columns " + names + " differ. To use one of them: --map " +
                         std::string{name_of(columns.field)} + "=\"Column\".");
    }
    return std::nullopt;
  }

 private:
  const ColumnPlan& plan_;
  const char delimiter_;
  const std::vector<ComparedColumns> compared_;
};

// -------------------------------------------------------------------------------- kinds of files

struct ProductFile {
  using Row = ProductRow;
  static constexpr auto kKind = ImportKind::products;

  ProductFile(const ColumnPlan& plan, const ImportOptions& options)
      : gtin{plan[ImportField::gtin]},
        name{plan[ImportField::name]},
        brand{plan[ImportField::brand]},
        category{plan[ImportField::category]},
        rules{options.rows} {}

  Outcome<ProductRow, RowRefusal> parse(std::size_t line, Fields fields) const {
    return product_row(line,
                       {.gtin = gtin.of(fields),
                        .name = name.of(fields),
                        .brand = brand.of(fields),
                        .category = category.of(fields)},
                       rules);
  }

  /// Returns: nothing; a product is never refused because of the rows before it.
  std::optional<RowRefusal> add(ProductRow row) {
    const auto [known, is_new] = positions_.try_emplace(row.gtin, rows_.size());
    if (is_new) {
      rows_.push_back(std::move(row));
      return std::nullopt;
    }
    ++repeated;
    auto& earlier = rows_[known->second];
    if (!row.brand) row.brand = std::move(earlier.brand);
    if (!row.category) row.category = std::move(earlier.category);
    earlier = std::move(row);
    return std::nullopt;
  }

  std::vector<ProductRow> take() {
    positions_.clear();
    return std::exchange(rows_, {});
  }

  /// Returns: a question about the rows of the sample; nullopt: none.
  std::optional<std::string> question(std::span<const OwnRecord>, const RecordRules&) const {
    return std::nullopt;
  }

  Column gtin, name, brand, category;
  const RowRules& rules;
  std::size_t repeated{0};

 private:
  std::vector<ProductRow> rows_;
  std::unordered_map<Gtin, std::size_t> positions_;
};

struct ReadingFile {
  using Row = ReadingRow;
  static constexpr auto kKind = ImportKind::readings;

  ReadingFile(const ColumnPlan& plan, const ImportOptions& options)
      : plan_{plan}, options_{options}, lots_{options.lots} {}

  Outcome<ReadingRow, RowRefusal> parse(std::size_t line, Fields fields) const {
    const auto of = [&](ImportField field) { return plan_[field].of(fields); };
    return reading_row(line,
                       {.shop = of(ImportField::shop),
                        .gtin = of(ImportField::gtin),
                        .expiry_date = of(ImportField::expiry_date),
                        .date_kind = of(ImportField::date_kind),
                        .quantity = of(ImportField::quantity),
                        .kind = of(ImportField::kind),
                        .observed_at = of(ImportField::observed_at),
                        .name = of(ImportField::name)},
                       options_.rows, today_);
  }

  /// Returns: why the row is refused because of the rows before it.
  std::optional<RowRefusal> add(ReadingRow row) {
    auto refusal = lots_.apply(row);
    repeated = lots_.repeated();
    if (!refusal) rows_.push_back(std::move(row));
    return refusal;
  }

  std::vector<ReadingRow> take() { return std::exchange(rows_, {}); }

  /// Returns: the question what several rows of one reading mean, if the sample has such rows.
  std::optional<std::string> question(std::span<const OwnRecord> sample,
                                      const RecordRules& rules) const {
    if (options_.lots != LotRule::ask) return std::nullopt;
    constexpr std::size_t kShownMax = 6;
    std::map<std::pair<ShopId, Gtin>, std::vector<ReadingRow>> readings;
    for (const auto& own : sample) {
      const auto record = own.record();
      if (is_blank(record) || rules.refuse(record)) continue;
      auto row = parse(record.line, record.fields);
      if (!row || !row->quantity || row->observed_at) continue;
      readings[{row->shop, row->gtin}].push_back(std::move(row).value());
    }
    std::size_t products = 0;
    const std::vector<ReadingRow>* example = nullptr;
    for (const auto& [key, rows] : readings) {
      if (rows.size() == 1) continue;
      ++products;
      if (example == nullptr || rows.front().line < example->front().line) example = &rows;
    }
    if (example == nullptr) return std::nullopt;
    std::int64_t sum = 0;
    std::string lines;
    for (const auto& row : *example) {
      sum += *row.quantity;
      const auto number = static_cast<std::size_t>(&row - example->data());
      if (number == kShownMax) lines += ", …";
      if (number >= kShownMax) continue;
      lines += (lines.empty() ? "" : ", ") + std::string{"line "} + std::to_string(row.line) +
               ": " + std::to_string(*row.quantity);
    }
    return "The file has several rows for one product in one shop (" + std::to_string(products) +
           (products == 1 ? " product" : " products") + " in its first rows). For example shop " +
           std::to_string(example->front().shop.value()) + ", GTIN " +
           example->front().gtin.canonical() + " has the quantities " + lines +
           ". If they are lots that add up (" + std::to_string(sum) +
           "), with the earliest date: --lots sum; if the last row counts (" +
           std::to_string(*example->back().quantity) +
           "): --lots last; if only the first row is right: --lots refuse.";
  }

  std::size_t repeated{0};

 private:
  const ColumnPlan& plan_;
  const ImportOptions& options_;
  const Date today_{date_of(now())};
  Lots lots_;
  std::vector<ReadingRow> rows_;
};

// -------------------------------------------------------------------------------------- the import

std::string joined(const std::vector<std::string>& sentences) {
  std::string text;
  for (const auto& sentence : sentences) text += (text.empty() ? "" : "\n") + sentence;
  return text;
}

/// What the first part of a file says about the rest.
struct Opening {
  FilePlan plan;
  std::vector<OwnRecord> sample;
};

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
  for (std::size_t bytes = 0; opening.sample.size() < kSampleRows && bytes < kSampleBytes;) {
    record = reader.next();
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
  opening.plan.columns = plan_columns(kind, header.fields(), rows, options.columns);
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
    Text text{content, options_.encoding};
    const auto head = text.head();
    if (head.find_first_not_of(" \t\r\n") == head.npos && text.head_is_all())
      return FileRefusal{"The file is empty."};
    const bool is_utf8 = text.encoding().kind == FileEncoding::Kind::utf8;
    if (is_utf8 && options_.encoding.kind == FileEncoding::Kind::automatic) {
      const auto check = check_utf8(head, text.head_is_all());
      if (check.invalid > 0) return FileRefusal{explain_encoding(head, check)};
    }
    // A few are damage, which refuses its rows.
    const auto zeros = static_cast<std::size_t>(std::ranges::count(head, '\0'));
    if (zeros * 10 > head.size()) {
      return FileRefusal{"The text has a zero byte between its characters: it is not " +
                         text.encoding().name +
                         ", but probably UTF-16. Try --encoding utf-16le or --encoding utf-16be."};
    }
    const auto dialect = recognise_dialect(File::kKind, head, options_.columns);
    CsvReader reader{[&text] { return text.next(); }, dialect.delimiter};
    auto opened = open(reader, dialect, File::kKind, options_);
    if (!opened) return opened.error();
    auto [plan, sample] = std::move(opened).value();
    plan.encoding = text.encoding().name;
    plan.compressed = compressed;
    sink_.planned(plan);
    if (!plan.columns.questions.empty()) return FileRefusal{joined(plan.columns.questions)};

    File file{plan.columns, options_};
    const RecordRules rules{plan.columns, dialect.delimiter};
    if (const auto question = file.question(sample, rules)) return FileRefusal{*question};
    return import_rows(reader, std::move(sample), file, rules);
  }

  Outcome<ImportCounts, FileRefusal> import_rows(CsvReader& reader, std::vector<OwnRecord> sample,
                                                 File& file, const RecordRules& rules) {
    std::optional<FileRefusal> stopped;
    try {
      for (const auto& own : sample) {
        if (!take(own.record(), file, rules)) return stop(file);
      }
      sample = {};
      while (const auto* record = reader.next()) {
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
                                                   const ImportSink<ReadingRow>& sink) {
  return import_file<ReadingFile>(bytes, options, sink);
}

}  // namespace codasync::storage
