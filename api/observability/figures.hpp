#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cache/options.hpp"

namespace codasync::api {

/// A number that nobody counts: it is looked at when somebody scrapes.
struct Figure {
  enum class Kind { gauge, counter };

  std::string name;
  std::string help;
  Kind kind{Kind::gauge};
  double value{0};
  std::vector<std::pair<std::string, std::string>> labels{};
};

/// Returns: what this process uses, in the names that all Prometheus clients have for it; 0 for
/// a part that the system does not tell.
std::vector<Figure> process_figures();

/// Returns: which program this is: a 1 with labels.
Figure build_figure();

/// Asks every server, each on a connection of its own: two time-outs for one that hangs.
/// Returns: what the Memcacheds say of themselves, by slot; of one that does not answer, only that.
std::vector<Figure> memcached_figures(const cache::MemcachedOptions& options);

}  // namespace codasync::api
