#include "api/feed_cursor.hpp"
#include "api/resources/handlers.hpp"
#include "api/responses.hpp"

// The handler of /changes (storage/README.md, "The change feed").

namespace codasync::api::changes {

Result list(Service& service, const Call& call) {
  Parameters parameters{call.query};
  const auto limit = parameters.limit();
  const auto shops = parameters.shops("shop");
  if (shops.size() != 1)
    parameters.refuse("shop", "This parameter is required: the id of one shop.");
  std::optional<storage::FeedCursor> since;
  if (const auto text = parameters.text("since")) {
    since = parse_feed_cursor(*text);
    if (!since) parameters.refuse("since", "Invalid cursor.");
  }
  if (auto problem = parameters.finish()) return *problem;
  const auto page = service.database.read()->changes(shops[0], since, limit);
  if (!page) return explain(page.error());
  service.feed_lag.note(page->horizon);
  return Response{200,
                  {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
                  to_json(*page, to_text(page->next), service.feed_lag.behind())};
}

Problem explain(storage::FeedRefusal refusal) {
  switch (refusal) {
    case storage::FeedRefusal::unknown_shop:
      return not_found(Subject::shop);
    case storage::FeedRefusal::resync_required:
      return {410, "resync-required",
              "The changes since this cursor are not available any more. Discard the copy, and "
              "start again without `since`."};
  }
  __builtin_unreachable();
}

}  // namespace codasync::api::changes
