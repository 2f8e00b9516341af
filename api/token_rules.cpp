#include "api/token_rules.hpp"

namespace codasync::api {

Outcome<Instant, std::string> end_of_token(const ApiOptions& options,
                                           std::optional<Instant> requested, Instant now) {
  if (!requested) return now + options.token_lifetime;
  if (*requested <= now) return std::string{"This must be in the future."};
  const auto last = now + options.token_lifetime_max;
  if (*requested > last)
    return "A token is valid until " + to_string(date_of(last)) + " at the latest.";
  return *requested;
}

std::optional<std::string> refuse_shops(storage::Role role,
                                        const std::optional<std::vector<std::int64_t>>& shops) {
  if (!shops) return std::nullopt;
  if (role == storage::Role::admin) return "An admin has all shops. Omit it.";
  if (shops->empty()) return "Name at least one shop, or omit it for a token for all shops.";
  return std::nullopt;
}

std::string explain_unknown(const std::vector<ShopId>& shops) {
  std::string ids;
  for (const auto shop : shops) ids += (ids.empty() ? "" : ", ") + std::to_string(shop.value());
  return (shops.size() == 1 ? "There is no shop with the id "
                            : "There are no shops with the ids ") +
         ids + ".";
}

}  // namespace codasync::api
