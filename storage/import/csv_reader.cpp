#include "storage/import/csv_reader.hpp"

#include <algorithm>
#include <utility>

namespace codasync::storage {
namespace {

bool is_line_end(char c) { return c == '\n' || c == '\r'; }

std::size_t index_of(char c) { return static_cast<unsigned char>(c); }

}  // namespace

std::string_view explain(CsvRefusal refusal) {
  switch (refusal) {
    case CsvRefusal::field_too_long:
      return "A field is longer than 64 KiB.";
    case CsvRefusal::too_many_columns:
      return "There are more than 1,000 columns.";
    case CsvRefusal::record_too_long:
      return "The row is longer than 1 MiB; a closing quotation mark may be missing.";
    case CsvRefusal::text_after_quote:
      return "There is text between a closing quotation mark and the separator.";
    case CsvRefusal::quote_not_closed:
      return "A closing quotation mark is missing.";
    case CsvRefusal::not_an_object:
      return "The line is not a JSON object.";
    case CsvRefusal::nested_value:
      return "A member is neither a text nor a number nor null.";
    case CsvRefusal::unknown_member:
      return "The object has a member that the first ones do not have.";
    case CsvRefusal::repeated_member:
      return "The object has a member twice.";
  }
  __builtin_unreachable();
}

CsvReader::CsvReader(TextPieces pieces, char delimiter)
    : pieces_{std::move(pieces)}, delimiter_{delimiter} {
  for (const char c : {delimiter_, '\n', '\r'}) ends_plain_run_[index_of(c)] = true;
}

const CsvRecord* CsvReader::next() {
  record_.refusal.reset();
  record_.at_end = false;
  record_.fields.clear();
  text_.clear();
  field_ends_.clear();
  record_bytes_ = 0;
  complete_ = false;
  while (!complete_ && fill()) {
    take(ahead_.front());
    if (place_ == Place::plain || place_ == Place::quoted) take_run();
  }
  if (!complete_) {  // the end of the file also ends a record
    if (place_ == Place::record_start) return nullptr;
    if (place_ == Place::quoted) refuse(CsvRefusal::quote_not_closed);
    record_.at_end = true;
    end_record();
  }
  return &record_;
}

/// Returns: whether there is more text.
bool CsvReader::fill() {
  if (ahead_.empty()) ahead_ = pieces_();
  return !ahead_.empty();
}

/// Takes the character ahead.
void CsvReader::take(char c) {
  ahead_.remove_prefix(1);
  if (!is_line_end(c)) last_line_end_ = '\0';
  if (place_ == Place::record_start) {
    if (is_line_end(c)) return count_line(c);
    record_.line = line_;
    place_ = Place::field_start;
  }
  ++record_bytes_;
  const bool blank = c == ' ' && c != delimiter_;
  if ((place_ == Place::field_start || place_ == Place::leading_blank) && c == '"') {
    drop_field();
    place_ = Place::quoted;
  } else if (place_ == Place::quoted) {
    if (is_line_end(c)) count_line(c);
    if (c == '"') {
      place_ = Place::after_quote;
    } else {
      store({&c, 1});
    }
  } else if (place_ == Place::after_quote && c == '"') {  // a doubled quote is one
    place_ = Place::quoted;
    store("\"");
  } else if (c == delimiter_) {
    end_field();
    place_ = Place::field_start;
  } else if (is_line_end(c)) {
    end_record();
    count_line(c);
  } else if (place_ == Place::after_quote || place_ == Place::trailing_blank) {
    place_ = blank ? Place::trailing_blank : Place::plain;
    if (!blank) refuse(CsvRefusal::text_after_quote);
  } else {
    const bool leading = place_ != Place::plain;
    place_ = blank && leading ? Place::leading_blank : Place::plain;
    store({&c, 1});
  }
}

/// Takes plain text up to the next character that take() must examine.
void CsvReader::take_run() {
  const bool quoted = place_ == Place::quoted;
  const auto end = std::ranges::find_if(ahead_, [&](char c) {
    return quoted ? c == '"' || is_line_end(c) : ends_plain_run_[index_of(c)];
  });
  const auto run = ahead_.substr(0, static_cast<std::size_t>(end - ahead_.begin()));
  if (run.empty()) return;
  last_line_end_ = '\0';
  record_bytes_ += run.size();
  store(run);
  ahead_.remove_prefix(run.size());
}

void CsvReader::store(std::string_view text) {
  const auto field_start = field_ends_.empty() ? 0 : field_ends_.back();
  if (text_.size() - field_start + text.size() > kCsvFieldBytesMax) {
    refuse(CsvRefusal::field_too_long);
  }
  if (record_bytes_ > kCsvRecordBytesMax) {
    refuse(CsvRefusal::record_too_long);
    place_ = Place::plain;
  }
  if (!record_.refusal) text_ += text;
}

/// Drops the blanks before an opening quote.
void CsvReader::drop_field() {
  if (!record_.refusal) text_.resize(field_ends_.empty() ? 0 : field_ends_.back());
}

void CsvReader::count_line(char line_end) {
  const bool second_of_two = line_end == '\n' && last_line_end_ == '\r';
  if (!second_of_two) ++line_;
  last_line_end_ = line_end;
}

void CsvReader::refuse(CsvRefusal refusal) {
  if (!record_.refusal) record_.refusal = refusal;
}

void CsvReader::end_field() {
  if (field_ends_.size() == kCsvColumnsMax) refuse(CsvRefusal::too_many_columns);
  if (!record_.refusal) field_ends_.push_back(text_.size());
}

void CsvReader::end_record() {
  end_field();
  place_ = Place::record_start;
  complete_ = true;
  if (record_.refusal) return;
  std::size_t start = 0;
  for (const auto end : field_ends_) {
    record_.fields.push_back(std::string_view{text_}.substr(start, end - start));
    start = end;
  }
}

}  // namespace codasync::storage
