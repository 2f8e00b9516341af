#pragma once

#include <chrono>
#include <optional>

#include "storage/model/ids.hpp"
#include "storage/model/time.hpp"
#include "storage/stock_ledger.hpp"
#include "storage/token.hpp"

namespace codasync::storage {

/// Returns: why `token` may not void an event that `author` wrote, nothing when it may. The only
/// place that decides it (api/README.md, "What only an admin may do with stock").
inline std::optional<Refused::Why> why_not_voidable(const Token& token, TokenId author,
                                                    Instant received_at, Instant now,
                                                    std::chrono::seconds staff_void_time) {
  if (token.role == Role::admin) return std::nullopt;
  if (author != token.id) return Refused::Why::event_of_another;
  if (now - received_at > staff_void_time) return Refused::Why::void_too_late;
  return std::nullopt;
}

}  // namespace codasync::storage
