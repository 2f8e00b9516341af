#include "api/feed_cursor.hpp"
#include "api/resources/handlers.hpp"
#include "api/responses.hpp"

// The handler of /shops/{id}/stream (change_streams.hpp).

namespace codasync::api::stream {
namespace {

using storage::FeedCursor;

constexpr const char* kInvalid = "Invalid cursor.";
constexpr const char* kInSnapshot =
    "This cursor is inside a snapshot. Read /changes until `more` is false, and use its last "
    "`next`.";

/// Returns: what is wrong with a cursor; null pointer: nothing.
const char* problem_of(const std::optional<FeedCursor>& cursor) {
  if (!cursor) return kInvalid;
  return cursor->phase == FeedCursor::Phase::snapshot ? kInSnapshot : nullptr;
}

}  // namespace

Outcome<StreamStart, Problem> open(Service& service, const Call& call) {
  Parameters parameters{call.query};
  const auto gtins = parameters.gtins("GTIN");
  std::optional<FeedCursor> since;
  if (const auto text = parameters.text("since")) {
    since = parse_feed_cursor(*text);
    if (const auto* problem = problem_of(since)) parameters.refuse("since", problem);
  }
  if (auto problem = parameters.finish()) return *problem;
  // A browser that connects again sends the address of its first request, and where it is now.
  if (const auto& text = call.request.last_event_id; !text.empty()) {
    since = parse_feed_cursor(text);
    if (const auto* problem = problem_of(since)) return bad_fields({{"Last-Event-ID", {problem}}});
  }

  // The client connects again, to another instance.
  if (service.draining) return StreamStart{retry_line()};
  auto place = service.streams.reserve();
  if (!place) return unavailable("Too many streams are open. Try again later, or read /changes.");
  const ShopId shop{call.path.id};
  const auto reader = service.database.read();
  auto page = reader->changes(shop, since, 1);
  const bool resync = !page && page.error() == storage::FeedRefusal::resync_required;
  if (resync) page = reader->changes(shop, std::nullopt, 1);
  if (!page) return changes::explain(page.error());
  const auto position = since && !resync ? *since
                                         : FeedCursor{page->epoch, shop, FeedCursor::Phase::changes,
                                                      page->next.transaction, ReadingId{0}};
  return StreamStart{retry_line() + position_event(position, resync),
                     Subscription{std::move(place), position, {gtins.begin(), gtins.end()}}};
}

}  // namespace codasync::api::stream
