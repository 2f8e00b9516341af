#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/exports.hpp"
#include "api/line_response.hpp"
#include "api/problem.hpp"
#include "api/service.hpp"
#include "api/transport/http.hpp"
#include "api/uri.hpp"
#include "api/write_response.hpp"
#include "cache/key.hpp"
#include "storage/locks.hpp"
#include "storage/model/outcome.hpp"
#include "storage/sessions.hpp"

namespace codasync::api {

/// Who may call a route.
enum class Access {
  open,    // everyone, also where reads need a token
  reader,  // everyone, or any token where `public_reads` is off
  staff,   // a token of either role
  admin,
};

/// What has to be found for the path before the action runs.
enum class Resolve {
  nothing,
  reading,  // the shop and product of the reading {id}
};

/// What says who sends a request.
enum class Credential {
  any,    // a token (Authorization), or else the session of a browser (Cookie)
  token,  // the token itself: what a script in a page must not do with a session
  session,
};

/// Where the shop is that the token of a request must be for. storage::covers() decides.
enum class Scope {
  none,        // the token can be for any shops
  path,        // {id} is the shop; checked before the action runs
  reading,     // the shop of the reading {id}; the same. A write checks it again, below
  operations,  // of each stock operation; the ledger checks it in the transaction of the write
  filter,      // the shops of the query; the handler limits them to those of the token
};

/// What a request must have before the action of its route runs.
struct Needs {
  Access access;
  Scope scope{Scope::none};
  Resolve resolve{Resolve::nothing};
  Credential credential{Credential::any};
};

/// What the path says.
struct Arguments {
  std::int64_t id{0};                            // {id}
  std::optional<Gtin> gtin{};                    // {gtin}
  std::optional<EventId> event{};                // {event}
  std::optional<Uuid> import{};                  // {import}
  std::optional<storage::ReadingKey> reading{};  // where the route needs Resolve::reading
};

/// What a handler gets of a request.
struct Call {
  Request request;
  Arguments path;
  Query query;
  std::optional<storage::Token> actor;        // of the request's token or session
  std::optional<storage::Session> session{};  // nullopt: the request has a token, or needs none
  std::optional<storage::TokenHash> secret_hash{};  // of the request's token or session
};

using Result = Outcome<Response, Problem>;

/// Runs on the event loop: must not block.
struct Immediate {
  Result (*answer)(Service&, const Call&);
};

/// Runs on the executor: may block.
struct Blocking {
  Result (*answer)(Service&, const Call&);
};

/// Runs on the threads for operators' requests: neither full queues nor slow queries of clients
/// delay it. A look-up does not wait for work either.
struct Control {
  Result (*answer)(Service&, const Call&);
  Executor::Kind kind;
};

/// How one response is cached: its entry, and what the handler reads as locks (cache/README.md).
/// The entry is the response without parameters; with parameters nothing is cached.
struct CachedResponse {
  cache::Key (*key)(const Arguments&);
  std::vector<storage::Lock> (*locks)(const Arguments&);
};

/// The entry of a list: its generation, what it depends on as locks, and its address: the path with
/// the canonical query.
struct ListEntry {
  cache::Key generation;
  std::vector<storage::Lock> locks;
  std::string address;
};
struct ReadRows;

/// How a list is cached; no entry for a query that is not worth one. `rows`: for a query that names
/// rows by their keys, how to read them instead; a null pointer for other queries.
struct CachedList {
  std::optional<ListEntry> (*entry)(const Call&);
  const ReadRows* (*rows)(const Call&) = [](const Call&) -> const ReadRows* { return nullptr; };
};

/// Reads the database, on the executor, or the cache where the route says how it is cached.
struct Read {
  Result (*answer)(storage::Reader&, const Call&);
  std::variant<std::monostate, CachedResponse, CachedList> caching{};
};

/// Reads a single resource that is made of a few rows. Reads of one moment share one query, on the
/// executor; the response is cached.
struct ReadOne {
  CachedResponse cached;
  storage::RowKeys (*keys)(const Arguments&);
  /// `rows`: those of the keys that exist. Returns: nothing when the row has another id than the
  /// path: after a failover or a restore the id belongs to another reading.
  std::optional<Result> (*answer)(const Arguments&, const storage::Rows& rows);
};

/// Reads rows by their keys, on the executor; each row is cached by itself (cache/rows.hpp).
/// `entry`: where the whole response is cached too; nothing for a query that is not valid.
struct ReadRows {
  Outcome<storage::RowKeys, Problem> (*keys)(const Call&);
  Result (*answer)(const Call&, const storage::Rows&);
  std::optional<ListEntry> (*entry)(const Call&) = [](const Call&) -> std::optional<ListEntry> {
    return std::nullopt;
  };
};

/// Makes an operation for the ledger, on any thread and without blocking, and the response when it
/// is done, on a thread of the ledger.
struct StockWrite {
  Outcome<storage::StockOperation, Problem> (*operation)(const Call&);
  WriteResponse (*answer)(const storage::Written&);
};

/// What a request of a PlannedWrite leads to. The functions have copies of what they need.
struct Plan {
  /// nullopt: there is nothing to write; `look_up` makes the response.
  std::optional<storage::StockOperation> operation{};
  /// The response when the operation is done, on a thread of the ledger. Pure.
  std::function<WriteResponse(const storage::Written&)> answer{};
  /// The response to a refusal, when it is not the usual one; on a thread of the ledger.
  std::function<std::optional<Response>(const storage::Refused&)> refused{};
  /// Reads the database, on the executor.
  std::function<Result(storage::Reader&)> look_up{};
};

/// Like StockWrite, for a route that does not always write, and whose response shows more than what
/// was written. The plan is made on any thread and without blocking.
struct PlannedWrite {
  Outcome<Plan, Problem> (*plan)(const Call&);
};

/// The operations of one request, each with an id of its own (resources/stock_lists.cpp).
struct OperationList {
  struct Each {
    std::optional<std::string> id{};  // as the client sent it; nullopt: not valid
    std::variant<Problem, storage::StockOperation> content{Problem{}};  // or why it is refused
  };
  /// The page of the change feed that a device reads in the same request.
  struct Pull {
    ShopId shop{0};
    std::optional<storage::FeedCursor> since{};
    std::size_t limit{0};
  };
  std::vector<Each> operations;
  std::chrono::microseconds clock_offset;  // of the device
  Pull pull;
};

/// Reads the operations, on the executor; submits them to the ledger; and makes the response when
/// the last one is decided, on the executor again. `results`: in the order of the list, for those
/// that were submitted.
struct StockWrites {
  Outcome<OperationList, Problem> (*read)(Service&, const Call&);
  Result (*answer)(Service&, const Call&, const OperationList&,
                   const std::vector<storage::StockResult>& results);
};

/// Checks the request and gives what a stream of events begins with, on the executor; all further
/// events come from ChangeStreams.
struct EventStream {
  Outcome<StreamStart, Problem> (*open)(Service&, const Call&);
};

/// Checks the request and begins an export, on the threads for exports, which then send it.
struct Export {
  Outcome<ExportStart, Problem> (*open)(Service&, const Call&);
};

/// Imports the file of a request, or takes an import back, on the threads for imports.
struct Import {
  /// Returns: the response, if `LineResponse` has not started one.
  std::optional<Problem> (*run)(Service&, const Call&, LineResponse&);
  bool uploads{true};  // the request has a file
};

struct Route {
  Method method;
  std::string_view pattern;  // `{id}`, `{gtin}`, `{event}` and `{import}` stand for one segment
  Needs needs;
  std::variant<Immediate, Blocking, Control, Read, ReadOne, ReadRows, StockWrite, PlannedWrite,
               StockWrites, EventStream, Export, Import>
      action;
  std::span<const std::string_view> parameters{};  // of the query; all others are refused
};

/// The whole public surface.
std::span<const Route> routes();

struct Match {
  const Route* route;
  Arguments arguments;
};

/// Returns: the route, or 404, or 405 with Allow (RFC 9110), or 400 for a GTIN that is not valid.
/// HEAD is answered by the route of GET. `path` is as it was sent, without a trailing slash: its
/// segments are decoded one by one, so an escaped slash separates nothing.
Outcome<Match, Problem> match(Method method, std::string_view path);

/// Returns: whether the body of a request is the file of an import.
bool is_upload(const Request& head);

/// Returns: 400 naming the parameters that the route does not have, or nothing. Checked before
/// the cache and the handler, so that none of them ignores a parameter.
std::optional<Problem> refuse_unknown_parameters(const Route& route, const Query& query);

/// Returns: the methods of an address as Allow lists them; empty: there is nothing.
std::string allowed_methods(std::string_view path);

/// 404 for an address that no route has.
Problem nothing_here();

}  // namespace codasync::api
