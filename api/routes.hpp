#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/answer.hpp"
#include "api/http.hpp"
#include "api/problem.hpp"
#include "api/service.hpp"
#include "api/uri.hpp"
#include "cache/key.hpp"
#include "storage/locks.hpp"
#include "storage/model/outcome.hpp"

namespace codasync::api {

/// Who may call a route.
enum class Access {
  open,    // everybody, always
  reader,  // everybody, or any token where `public_reads` is off
  staff,   // a token of either role
  admin,
};

/// What the path says.
struct Arguments {
  std::int64_t id{0};              // {id}
  std::optional<Gtin> gtin{};      // {gtin}
  std::optional<EventId> event{};  // {event}
  std::optional<storage::ReadingKey>
      reading{};  // of a path below /stock-readings/{id}, looked up before the handler runs
};

/// One request on its way through a handler.
struct Call {
  Request request;
  Arguments path;
  Query query;
  std::optional<storage::Token> actor;
};

using Result = Outcome<Response, Problem>;

/// Answers at once on the event loop: must not block.
struct Now {
  Result (*answer)(Service&, const Call&);
};

/// Answers on the executor: may block.
struct Work {
  Result (*answer)(Service&, const Call&);
};

/// The cache decorator. A single resource: its entry, and what the handler reads as locks
/// (cache/README.md). The entry is the answer without parameters; with parameters nothing is
/// remembered.
struct RememberAnswer {
  cache::Key (*key)(const Arguments&);
  std::vector<storage::Lock> (*locks)(const Arguments&);
};

/// A list: the generation it belongs to and the canonical form of what was asked, or nothing for a
/// question not worth an entry.
struct ListEntry {
  cache::Key generation;
  std::vector<storage::Lock> locks;
  std::string query;
};
struct RememberList {
  std::optional<ListEntry> (*entry)(const Call&);
};

/// Answers from the database, on the executor, or from the cache where the route says how to
/// remember.
struct Read {
  Result (*answer)(storage::Reader&, const Call&);
  std::variant<std::monostate, RememberAnswer, RememberList> remember{};
};

/// Makes an operation for the ledger, on the event loop, and the answer when it was done, on a
/// thread of the ledger.
struct StockWrite {
  Outcome<storage::StockOperation, Problem> (*operation)(const Call&);
  Answer (*answer)(const storage::Written&);
};

struct Route {
  Method method;
  std::string_view pattern;  // `{id}`, `{gtin}` and `{event}` stand for one segment
  Access access;
  std::variant<Now, Work, Read, StockWrite> action;
  std::span<const std::string_view> parameters{};  // of the query; all others are refused
};

/// The whole public surface.
std::span<const Route> routes();

struct Match {
  const Route* route;
  Arguments arguments;
};

/// Returns: the route, or 404, or 405 with Allow (RFC 9110), or 400 for a GTIN that is none. HEAD
/// is answered by the route of GET. `path` is as it was sent, without a trailing slash: its
/// segments are decoded one by one, so an escaped slash separates nothing.
Outcome<Match, Problem> match(Method method, std::string_view path);

/// Returns: 400 naming the parameters that the route does not have, or nothing. Decided for every
/// request before anything else is, so that no handler and no remembered answer ignores one.
std::optional<Problem> refuse_unknown_parameters(const Route& route, const Query& query);

/// Returns: the methods of an address as Allow lists them; empty: there is nothing.
std::string allowed_methods(std::string_view path);

/// 404 for an address that no route has.
Problem nothing_here();

}  // namespace codasync::api
