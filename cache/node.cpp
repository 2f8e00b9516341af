#include "cache/node.hpp"

#include <cassert>
#include <string>
#include <utility>

#include "cache/address.hpp"
#include "cache/text_connection.hpp"

namespace codasync::cache {
namespace {

class MemcachedNodes final : public Nodes {
 public:
  explicit MemcachedNodes(const MemcachedOptions& options) : options_{options} {}

  [[nodiscard]] std::size_t count() const override { return options_.servers.size(); }
  // No entry has this name, so it deletes nothing; but it shows that deletions are acknowledged.
  NodeReply ask(std::size_t slot) override { return command(slot, "delete nothing\r\n"); }
  NodeReply empty(std::size_t slot) override { return command(slot, "flush_all\r\n"); }

 private:
  NodeReply command(std::size_t slot, std::string text) const {
    const auto address = parse_address(options_.servers.at(slot));
    assert(address);
    try {
      run_command(*address, std::move(text), options_.connect_timeout, options_.answer_timeout);
      return NodeReply::done;
    } catch (const TextFailure& failure) {
      return failure.loss() == Loss::gone ? NodeReply::gone : NodeReply::silent;
    }
  }

  const MemcachedOptions options_;
};

}  // namespace

std::unique_ptr<Nodes> make_nodes(const MemcachedOptions& options) {
  return std::make_unique<MemcachedNodes>(options);
}

}  // namespace codasync::cache
