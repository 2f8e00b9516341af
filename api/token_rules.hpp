#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/options.hpp"
#include "storage/model/outcome.hpp"
#include "storage/token.hpp"

// The rules of new tokens, for the API and for the command line. A refusal is a sentence for users.

namespace codasync::api {

/// Returns: when a token ends that is made at `now`: the `requested` time, or api.token_lifetime
/// from now. Refused: the past, and more than api.token_lifetime_max from now.
Outcome<Instant, std::string> end_of_token(const ApiOptions& options,
                                           std::optional<Instant> requested, Instant now);

/// Returns: why a token of this role cannot have these shops; nullopt: it can. `shops`: nullopt:
/// none are named, so the token is for all.
std::optional<std::string> refuse_shops(storage::Role role,
                                        const std::optional<std::vector<std::int64_t>>& shops);

/// Returns: that these shops do not exist. Requires: at least one.
std::string explain_unknown(const std::vector<ShopId>& shops);

}  // namespace codasync::api
