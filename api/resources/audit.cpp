#include "api/resources/handlers.hpp"
#include "api/responses.hpp"
#include "storage/model/number.hpp"

// The handler of /audit (storage/README.md, "The audit").

namespace codasync::api::audit {
namespace {

constexpr char kSeparator = '|';

std::string write_cursor(const storage::AuditEntry& last) {
  return make_cursor(to_string(last.at) + kSeparator + std::to_string(last.id));
}

constexpr std::string_view kSubjects[] = {"shop", "product", "token", "reading", "thresholds"};

std::optional<storage::AuditCursor> parse_cursor(const std::string& text) {
  const auto end = std::min(text.find(kSeparator), text.size());
  const auto at = parse_instant(std::string_view{text}.substr(0, end));
  const auto id = parse_positive(std::string_view{text}.substr(std::min(end + 1, text.size())));
  if (!at || !id) return std::nullopt;
  return storage::AuditCursor{*at, *id};
}

}  // namespace

Result list(storage::Reader& reader, const Call& call) {
  Parameters parameters{call.query};
  const auto limit = parameters.limit();
  storage::AuditFilter filter;
  filter.actor = parameters.number("actor", 0);
  if (const auto subject = parameters.one_of("subject", kSubjects))
    filter.subject = std::string{kSubjects[*subject]};
  filter.subject_id = parameters.number("subject_id", 1);
  filter.from = parameters.instant("from");
  filter.until = parameters.instant("until");
  if (const auto cursor = parameters.cursor()) {
    filter.before = parse_cursor(*cursor);
    if (!filter.before) parameters.refuse_cursor();
  }
  if (auto problem = parameters.finish()) return *problem;
  return page_response(reader.audit(filter, limit), canonical_path(call.request.path), parameters,
                       &write_cursor);
}

}  // namespace codasync::api::audit
