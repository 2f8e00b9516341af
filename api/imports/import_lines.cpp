#include "api/imports/import_lines.hpp"

#include <algorithm>

#include "api/imports/import_options.hpp"
#include "api/json_object.hpp"

namespace codasync::api {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using Use = storage::ColumnUse::Use;

constexpr auto kProgressInterval = 200ms;

template <class Values, class Write>
std::string array_of(const Values& values, const Write& write) {
  std::string array{"["};
  for (const auto& value : values) {
    if (array.size() > 1) array += ',';
    array += write(value);
  }
  return array + "]";
}

std::string_view name_of(Use use) {
  switch (use) {
    case Use::used:
      return "used";
    case Use::fallback:
      return "fallback";
    case Use::compared:
      return "compared";
    case Use::ignored:
      return "ignored";
    case Use::known_unused:
      return "known";
    case Use::not_used:
      return "not_used";
    case Use::unnamed:
      return "unnamed";
  }
  __builtin_unreachable();
}

std::string column_json(std::size_t number, const storage::ColumnUse& column) {
  const bool reads =
      column.use == Use::used || column.use == Use::fallback || column.use == Use::compared;
  JsonObject json;
  json.add("number", number).add("name", column.header).add("use", name_of(column.use));
  json.add("field",
           reads && column.field ? std::optional{storage::name_of(*column.field)} : std::nullopt);
  return json.add_texts("samples", column.samples).done();
}

std::string product_json(const storage::CatalogueStore::ImportedProduct& product) {
  JsonObject json;
  json.add("name", product.name).add("brand", product.brand).add("category", product.category);
  return json.done();
}

std::string state_json(const std::optional<ShelfDate>& date,
                       const std::optional<std::int64_t>& quantity) {
  JsonObject json;
  return json.add(date).add("quantity", quantity).done();
}

}  // namespace

void ImportLines::plan(const storage::FilePlan& plan) {
  JsonObject json;
  json.add("kind", storage::name_of(header_.kind)).add("dry_run", header_.dry_run);
  json.add("encoding", plan.encoding);
  json.add("compressed", plan.compressed);
  json.add("separator",
           plan.json_lines ? std::nullopt : std::optional{std::string(1, plan.delimiter)});
  json.add("header_line", plan.json_lines ? std::nullopt : std::optional{plan.header_line});
  json.add_json("lines_not_used",
                array_of(plan.lines_before, [](std::size_t line) { return std::to_string(line); }));
  std::size_t number = 0;
  json.add_json("columns", array_of(plan.columns.columns, [&](const storage::ColumnUse& column) {
                  return column_json(++number, column);
                }));
  plan_ = json.add_texts("notes", plan.columns.notes).add("bytes", header_.bytes).done();
}

std::optional<std::string> ImportLines::id() const {
  return header_.dry_run ? std::nullopt : std::optional{to_string(header_.import)};
}

void ImportLines::begin() {
  if (!header_.dry_run) on_begin_();
}

void ImportLines::progress(const storage::ImportCounts& counts) {
  if (counts.rows() == 0) return;
  send_waiting();
  if (stops_()) throw ServiceStops{};
  const auto moment = std::chrono::steady_clock::now();
  if (moment - last_progress_ < kProgressInterval) return;
  last_progress_ = moment;
  JsonObject json;
  json.add("event", "progress"sv).add("rows", counts.rows()).add("refused", refused());
  json.add("bytes", counts.bytes).add("bytes_total", header_.bytes);
  if (!response_.send(json.done() + "\n")) throw ClientGone{};
}

void ImportLines::send_waiting() {
  std::string lines;
  if (!response_.begun()) {
    JsonObject json;
    lines = json.add("event", "plan"sv).add("import", id()).done();
    lines.back() = ',';
    lines += plan_.substr(1) + "\n";
  }
  {
    const MutexLock hold{mutex_};
    lines += std::exchange(waiting_, {});
  }
  if (!response_.send(lines)) throw ClientGone{};
}

void ImportLines::change(const storage::CatalogueStore::ProductDifference& difference) noexcept {
  const MutexLock hold{mutex_};
  if (++changes_ > kImportChangesShown) return;
  JsonObject json;
  json.add("event", "change"sv).add("GTIN", difference.gtin.canonical());
  json.add_json("before", difference.before ? product_json(*difference.before) : "null");
  waiting_ += json.add_json("after", product_json(difference.after)).done() + "\n";
}

void ImportLines::change(std::size_t line, const storage::Written& written) noexcept {
  const auto& after = written.reading;
  const auto& before = written.before;
  if (written.outcome != EventOutcome::applied) return;
  if (before && before->date == after.date && before->quantity == after.quantity) return;
  const MutexLock hold{mutex_};
  if (++changes_ > kImportChangesShown) return;
  JsonObject json;
  json.add("event", "change"sv).add("line", line).add("shop", after.shop.value());
  json.add("GTIN", after.gtin.canonical()).add("name", after.name);
  json.add_json("before", before ? state_json(before->date, before->quantity) : "null");
  waiting_ += json.add_json("after", state_json(after.date, after.quantity)).done() + "\n";
}

void ImportLines::refuse(const storage::RowRefusal& refusal) noexcept {
  JsonObject json;
  json.add("event", "refused"sv).add("line", refusal.line).add("field", refusal.field);
  json.add("reason", with_parameters(refusal.reason).text);
  const MutexLock hold{mutex_};
  ++refused_;
  waiting_ += json.done() + "\n";
}

std::size_t ImportLines::refused() {
  const MutexLock hold{mutex_};
  return refused_;
}

void ImportLines::result(const ImportEnd& end) {
  try {
    send_waiting();
  } catch (const ClientGone&) {
    return;
  }
  std::size_t changes = 0;
  {
    const MutexLock hold{mutex_};
    changes = changes_;
  }
  JsonObject json;
  json.add("event", "result"sv).add("import", id()).add("dry_run", header_.dry_run);
  json.add("outcome", storage::name_of(end.outcome));
  json.add("reason", end.reason ? std::optional{with_parameters(*end.reason).text} : std::nullopt);
  const auto& rows = end.rows;
  json.add("rows", rows.rows).add("refused", rows.refused).add("created", rows.created);
  json.add("changed", rows.changed).add("unchanged", rows.unchanged);
  json.add("duplicates", end.duplicates).add("voided", end.voided);
  json.add("repeated", end.repeated).add("failed", end.failed);
  if (header_.dry_run) json.add("changes", changes);
  response_.send(json.done() + "\n");
}

std::string undo_progress_line(std::size_t events) {
  JsonObject json;
  return json.add("event", "progress"sv).add("events", events).done() + "\n";
}

std::string undo_result_line(const Uuid& import, const ImportUndone& undone) {
  const auto& products = undone.restored;
  JsonObject json;
  json.add("event", "result"sv).add("import", to_string(import));
  json.add("complete", undone.complete()).add("events", undone.events);
  json.add("taken_back", undone.taken_back).add("voided_before", undone.voided_before);
  json.add("refused", undone.refused).add("failed", undone.failed);
  json.add("products_restored", products.restored).add("products_removed", products.removed);
  json.add("products_changed_since", products.changed_since);
  return json.add("products_in_use", products.in_use).done() + "\n";
}

std::string questions_json(std::string_view reason) {
  std::vector<std::string_view> sentences;
  while (!reason.empty()) {
    const auto end = std::min(reason.find('\n'), reason.size());
    sentences.push_back(reason.substr(0, end));
    reason.remove_prefix(std::min(end + 1, reason.size()));
  }
  return array_of(sentences, [](std::string_view sentence) {
    const auto advice = with_parameters(sentence);
    JsonObject json;
    return json.add("question", advice.text).add_texts("parameters", advice.parameters).done();
  });
}

}  // namespace codasync::api
