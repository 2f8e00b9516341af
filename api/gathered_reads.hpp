#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "api/routes.hpp"
#include "cache/admission.hpp"
#include "cache/cache.hpp"

namespace codasync::api {

/// A read of a single resource. `answered` is called once with the result, or with nothing as
/// ReadOne::answer says; it must neither block nor throw.
struct GatheredRead {
  const ReadOne* action;
  const Arguments* path;
  std::function<void(std::optional<Result>)> answered;
};

/// Reads resources together: one look-up for each Memcached, and one transaction with one query for
/// all that is missing (cache/README.md). Each read is answered as soon as its result is there; a
/// resource that several of them read is read once. A resource is stored if `admission` says so, or
/// if several of these reads are of it. Throws: what the database throws; the reads that have no
/// result then get no call.
void read_together(cache::Cache& cache, cache::Admission& admission,
                   const std::vector<GatheredRead>& reads);

}  // namespace codasync::api
