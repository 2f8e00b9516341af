#include "api/export_format.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "storage/model/spreadsheet_text.hpp"

namespace codasync::api {
namespace {

using storage::ExportColumn;

void add_cell(std::string_view text, std::string& out) {
  if (text.find_first_of(",\"\n\r") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void add_csv(std::span<const ExportColumn> columns, const storage::ExportRecord& record,
             std::string& out) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) out += ',';
    if (!record[i]) continue;
    if (columns[i].type == ExportColumn::Type::text) {
      add_cell(protected_cell(*record[i]), out);
    } else {
      out += *record[i];
    }
  }
  out += '\n';
}

void add_json(std::span<const ExportColumn> columns, const storage::ExportRecord& record,
              std::string& out) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
  const auto size = [](std::string_view text) {
    return static_cast<rapidjson::SizeType>(text.size());
  };
  writer.StartObject();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    writer.Key(columns[i].name.data(), size(columns[i].name));
    if (!record[i]) {
      writer.Null();
    } else if (columns[i].type == ExportColumn::Type::number) {
      writer.RawValue(record[i]->data(), record[i]->size(), rapidjson::kNumberType);
    } else {
      writer.String(record[i]->data(), size(*record[i]));
    }
  }
  writer.EndObject();
  out.append(buffer.GetString(), buffer.GetSize());
  out += '\n';
}

}  // namespace

std::string_view name_of(ExportFormat format) {
  return format == ExportFormat::csv ? "csv" : "ndjson";
}

std::optional<ExportFormat> parse_export_format(std::string_view name) {
  for (const auto format : {ExportFormat::csv, ExportFormat::ndjson}) {
    if (name == name_of(format)) return format;
  }
  return std::nullopt;
}

ExportWriter::ExportWriter(ExportFormat format, std::span<const ExportColumn> columns)
    : format_{format}, columns_{columns} {}

void ExportWriter::begin(std::string& out) const {
  if (format_ != ExportFormat::csv) return;
  for (const auto& column : columns_) {
    if (&column != &columns_.front()) out += ',';
    out += column.name;
  }
  out += '\n';
}

void ExportWriter::add(const storage::ExportRecord& record, std::string& out) const {
  if (format_ == ExportFormat::csv) {
    add_csv(columns_, record, out);
  } else {
    add_json(columns_, record, out);
  }
}

ExportText::ExportText(std::unique_ptr<storage::Export> records, storage::ExportKind kind,
                       ExportFormat format)
    : records_{std::move(records)}, writer_{format, storage::columns_of(kind)} {}

bool ExportText::next(std::string& out) {
  out.clear();
  const bool first = !started_;
  started_ = true;
  if (first) writer_.begin(out);
  const bool more = records_->next([&](const storage::ExportRecord& record) {
    writer_.add(record, out);
    ++count_;
  });
  return more || !out.empty();
}

}  // namespace codasync::api
