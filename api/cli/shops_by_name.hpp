#pragma once

#include <functional>
#include <map>
#include <string>

#include "config/settings/settings.hpp"
#include "storage/model/ids.hpp"

namespace codasync::api::cli {

/// Returns: the id of each shop by its name, which is unique. Throws: Unavailable.
std::map<std::string, ShopId, std::less<>> shops_by_name(const config::Settings& settings);

}  // namespace codasync::api::cli
