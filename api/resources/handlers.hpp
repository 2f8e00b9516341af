#pragma once

#include "api/routes.hpp"
#include "storage/errors.hpp"

// What the routes do, by resource.

namespace codasync::api {

namespace shops {
Result list(storage::Reader& reader, const Call& call);
std::optional<ListEntry> list_entry(const Call& call);
Result one(storage::Reader& reader, const Call& call);
Result create(Service& service, const Call& call);
Result replace(Service& service, const Call& call);
Result change(Service& service, const Call& call);
Result remove(Service& service, const Call& call);
}  // namespace shops

namespace products {
Result list(storage::Reader& reader, const Call& call);
std::optional<ListEntry> list_entry(const Call& call);
Result one(storage::Reader& reader, const Call& call);
Result create(Service& service, const Call& call);
Result replace(Service& service, const Call& call);
Result change(Service& service, const Call& call);
Result remove(Service& service, const Call& call);
}  // namespace products

namespace readings {

/// The row of an id is about another shop or product than the reading key that the call was given:
/// a failover or a restore gave the id to another reading.
class StaleKey : public Unavailable {
 public:
  StaleKey() : Unavailable{"postgres", "an id stands for another reading than a moment ago"} {}
};

Result list(storage::Reader& reader, const Call& call);
std::optional<ListEntry> list_entry(const Call& call);
Result one(storage::Reader& reader, const Call& call);  // throws: StaleKey
Result one_in_shop(storage::Reader& reader, const Call& call);
Result in_all_shops(storage::Reader& reader, const Call& call);
Result history(storage::Reader& reader, const Call& call);

using Operation = Outcome<storage::StockOperation, Problem>;
Operation record(const Call& call);
Operation replace(const Call& call);
Operation change(const Call& call);
Operation adjust(const Call& call);
Operation remove(const Call& call);
Operation void_event(const Call& call);

Answer written(const storage::Written& written);  // with the reading
Answer done(const storage::Written& written);     // without content

/// Returns: the client's answer to what the ledger said. `answer`: of the route.
Result to_result(const storage::StockResult& result, Answer (*answer)(const storage::Written&));
}  // namespace readings

namespace tokens {
Result list(storage::Reader& reader, const Call& call);
Result one(storage::Reader& reader, const Call& call);
Result self(Service& service, const Call& call);
Result create(Service& service, const Call& call);
Result revoke(Service& service, const Call& call);
}  // namespace tokens

namespace health {
Result alive(Service& service, const Call& call);
Result ready(Service& service, const Call& call);
Result metrics(Service& service, const Call& call);
}  // namespace health

}  // namespace codasync::api
