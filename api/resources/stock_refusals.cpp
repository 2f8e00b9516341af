#include "api/resources/handlers.hpp"
#include "api/responses.hpp"

// The responses for results of the ledger: problems for refusals and failures.

namespace codasync::api::readings {
namespace {

using storage::Refused;
using storage::Written;

std::optional<std::int64_t> quantity_of(const Refused& refused) {
  return refused.reading ? refused.reading->quantity : std::nullopt;
}

/// Returns: the problem with the current quantity as a member.
Problem with_quantity(Problem problem, const Refused& refused) {
  if (const auto quantity = quantity_of(refused)) problem.members = {{"quantity", *quantity}};
  return problem;
}

}  // namespace

Problem explain(const Refused& refused) {
  using enum Refused::Why;
  switch (refused.why) {
    case other_shop:
      return api::other_shop();
    case unknown_shop:
      return {422,
              "unknown-shop",
              "There is no shop with this id.",
              {{"shop", {"There is no shop with this id."}}}};
    case unknown_product:
      return {422,
              "unknown-product",
              "There is no product with this GTIN. To create it, record it with its `name`.",
              {{"GTIN", {"There is no product with this GTIN."}}}};
    case product_deleted:
      return {
          403, "product-deleted",
          "This product was deleted. Only an admin can bring it back: PUT /products/{gtin} with "
          "its name, then record it again."};
    case not_found:
      return api::not_found("This stock reading does not exist, or it was removed.");
    case identity_is_fixed:
      return api::identity_is_fixed({"id"});
    case below_zero:
      return with_quantity({409, "below-zero",
                            "The adjustment would make the quantity negative; it is now " +
                                std::to_string(quantity_of(refused).value_or(0)) + "."},
                           refused);
    case above_max:
      return with_quantity({409, "above-max", "The quantity would exceed 2147483647."}, refused);
    case never_counted:
      return {
          409, "never-counted",
          "This product was never counted in this shop, so there is no quantity to adjust. Send a "
          "count first: PATCH with `quantity`."};
    case precondition_failed: {
      if (!refused.reading)
        return {412, "precondition-failed",
                "The reading does not exist or was removed, so the condition in If-Match is not "
                "met."};
      Problem problem{412, "precondition-failed",
                      "The reading was changed by someone else. Fetch it again and retry with its "
                      "new ETag."};
      problem.members = {{"version", refused.reading->version}};
      problem.headers = {{"ETag", "\"" + reading_tag(*refused.reading) + "\""}};
      return problem;
    }
    case rename_forbidden:
      return forbidden("The product has another name. Only an admin may rename it.");
    case unknown_event:
      return api::not_found("This reading has no event with this id.");
    case event_not_voidable:
      return {409, "event-not-voidable",
              "This event is a void and cannot be voided. Record the observation again."};
    case event_of_another:
      return forbidden(
          "This event was recorded with another token, so only an admin can take it back. Record "
          "what is true now instead.");
    case void_too_late:
      return forbidden(
          "The time in which staff can take back an event has ended, so only an admin can do it. "
          "Record what is true now instead.");
    case too_old:
      return {422, "too-old",
              "The ledger is closed for events before " +
                  to_string(refused.ledger_floor.value_or(Instant{})) + "."};
    case moment_is_full:
      return {422, "moment-is-full",
              "Too many events of this reading have this `observed_at`. Send the time with "
              "microseconds."};
    case id_reused:
      return {422, "id-reused",
              "An operation with this id was recorded before with different content. Use a new "
              "id or Idempotency-Key."};
    case key_reused:
      return api::key_reused();
    case token_revoked:
      return api::token_revoked();
  }
  __builtin_unreachable();
}

Problem explain(const storage::Failed& failed) {
  using enum storage::Failed::Kind;
  switch (failed.kind) {
    case unavailable:
      return unavailable_because(failed.dependency);
    case in_doubt:
      return api::in_doubt();
    case bug:
      return internal_error();
  }
  __builtin_unreachable();
}

Result to_result(const storage::StockResult& result,
                 const std::function<WriteResponse(const Written&)>& respond) {
  if (const auto* written = std::get_if<Written>(&result)) return to_response(respond(*written));
  if (const auto* stored = std::get_if<storage::StoredResponse>(&result))
    return to_response(*stored);
  if (const auto* refused = std::get_if<Refused>(&result)) return explain(*refused);
  return explain(std::get<storage::Failed>(result));
}

}  // namespace codasync::api::readings
