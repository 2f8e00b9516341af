#pragma once

#include <functional>
#include <map>
#include <string>

#include "storage/database.hpp"
#include "storage/model/ids.hpp"

namespace codasync::api {

/// Returns: the id of each shop by its name, which is unique. Throws: Unavailable.
std::map<std::string, ShopId, std::less<>> shops_by_name(storage::Database& database);

}  // namespace codasync::api
