#pragma once

#include "api/body.hpp"
#include "api/routes.hpp"
#include "storage/errors.hpp"

// The handlers of the routes (routes.cpp), by resource.

namespace codasync::api {

namespace shops {
Result list(storage::Reader& reader, const Call& call);
std::optional<ListEntry> list_entry(const Call& call);
storage::RowKeys keys(const Arguments& path);
std::optional<Result> one(const Arguments& path, const storage::Rows& rows);
Result create(Service& service, const Call& call);
Result replace(Service& service, const Call& call);
Result change(Service& service, const Call& call);
Result remove(Service& service, const Call& call);
}  // namespace shops

namespace work_list {
Result list(storage::Reader& reader, const Call& call);
Result thresholds(storage::Reader& reader, const Call& call);
Result put_thresholds(Service& service, const Call& call);
}  // namespace work_list

namespace products {
Result list(storage::Reader& reader, const Call& call);
Result categories(storage::Reader& reader, const Call& call);
Result brands(storage::Reader& reader, const Call& call);
std::optional<ListEntry> list_entry(const Call& call);
std::optional<ListEntry> categories_entry(const Call& call);
std::optional<ListEntry> brands_entry(const Call& call);
const ReadRows* list_rows(const Call& call);
storage::RowKeys keys(const Arguments& path);
std::optional<Result> one(const Arguments& path, const storage::Rows& rows);
Result create(Service& service, const Call& call);
Result replace(Service& service, const Call& call);
Result change(Service& service, const Call& call);
Result remove(Service& service, const Call& call);
}  // namespace products

namespace readings {

Result list(storage::Reader& reader, const Call& call);
std::optional<ListEntry> list_entry(const Call& call);
const ReadRows* list_rows(const Call& call);
Outcome<storage::RowKeys, Problem> page_keys(const Call& call);
Result page(const Call& call, const storage::Rows& rows);
std::optional<ListEntry> page_entry(const Call& call);
storage::RowKeys keys(const Arguments& path);
std::optional<Result> one(const Arguments& path, const storage::Rows& rows);
std::optional<Result> one_in_shop(const Arguments& path, const storage::Rows& rows);
Result in_all_shops(storage::Reader& reader, const Call& call);
Result history(Service& service, const Call& call);

using Operation = Outcome<storage::StockOperation, Problem>;
Operation record(const Call& call);
Operation replace(const Call& call);
Operation change(const Call& call);
Operation adjust(const Call& call);
Operation remove(const Call& call);
Operation void_event(const Call& call);

WriteResponse written(const storage::Written& written);     // with the reading
WriteResponse no_content(const storage::Written& written);  // 204

/// Returns: the problem of a refusal or failure.
Problem explain(const storage::Refused& refused);
Problem explain(const storage::Failed& failed);

/// Returns: the response to a result of the ledger. `respond`: of the route, for a write that was
/// done.
Result to_result(const storage::StockResult& result,
                 const std::function<WriteResponse(const storage::Written&)>& respond);

/// Returns: an operation with actor, If-Match and Idempotency-Key, or the problem of these headers.
/// `body`: null pointer for a request without a body.
Operation start(const Call& call, const Body* body, ShopId shop, Gtin gtin);
}  // namespace readings

namespace scan {
Outcome<Plan, Problem> plan(const Call& call);
}  // namespace scan
namespace lists {
Outcome<OperationList, Problem> read_batch(Service& service, const Call& call);
Result answer_batch(Service& service, const Call& call, const OperationList& list,
                    const std::vector<storage::StockResult>& results);
Outcome<OperationList, Problem> read_sync(Service& service, const Call& call);
Result answer_sync(Service& service, const Call& call, const OperationList& list,
                   const std::vector<storage::StockResult>& results);
}  // namespace lists

namespace exports {
Outcome<ExportStart, Problem> products(Service& service, const Call& call);
Outcome<ExportStart, Problem> stock_readings(Service& service, const Call& call);
Outcome<ExportStart, Problem> events(Service& service, const Call& call);
}  // namespace exports

namespace imports {
std::optional<Problem> products(Service& service, const Call& call, LineResponse& response);
std::optional<Problem> stock_readings(Service& service, const Call& call, LineResponse& response);
std::optional<Problem> undo(Service& service, const Call& call, LineResponse& response);
Result list(storage::Reader& reader, const Call& call);
Result one(storage::Reader& reader, const Call& call);
}  // namespace imports

namespace audit {
Result list(storage::Reader& reader, const Call& call);
}  // namespace audit

namespace changes {
Result list(Service& service, const Call& call);

/// Returns: the problem of a cursor or shop without a page.
Problem explain(storage::FeedRefusal refusal);
}  // namespace changes

namespace stream {
Outcome<StreamStart, Problem> open(Service& service, const Call& call);
}  // namespace stream

namespace tokens {
Result list(storage::Reader& reader, const Call& call);
Result one(storage::Reader& reader, const Call& call);
Result self(Service& service, const Call& call);
Result create(Service& service, const Call& call);
Result revoke(Service& service, const Call& call);
}  // namespace tokens

namespace overview {
std::optional<ListEntry> entry(const Call& call);
Result read(storage::Reader& reader, const Call& call);
}  // namespace overview

namespace stats {
Result read(Service& service, const Call& call);
}  // namespace stats

namespace session {
inline constexpr std::string_view kPath = "/api/v1/session";
/// The oldest version of the console (nginx/console) that the service accepts. Raise it with a
/// change that older ones would misunderstand.
inline constexpr std::string_view kOldestConsole = "1";
Result start(Service& service, const Call& call);
Result self(Service& service, const Call& call);
Result end(Service& service, const Call& call);
}  // namespace session

namespace description {
Result document(Service& service, const Call& call);
}  // namespace description

namespace health {
Result alive(Service& service, const Call& call);
Result ready(Service& service, const Call& call);
Result metrics(Service& service, const Call& call);
}  // namespace health

}  // namespace codasync::api
