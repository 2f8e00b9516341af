#include "cache/node.hpp"

#include <poll.h>

#include <cassert>
#include <string>
#include <utility>

#include "cache/address.hpp"
#include "cache/text_connection.hpp"

namespace codasync::cache {
namespace {

using Clock = std::chrono::steady_clock;

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
      TextConnection connection{*address, options_.connect_timeout};
      connection.begin(std::move(text), 1);
      const auto deadline = Clock::now() + options_.answer_timeout;
      for (connection.advance(); !connection.done(); connection.advance()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        pollfd waiting{connection.descriptor(), connection.events(), 0};
        if (left.count() <= 0 || poll(&waiting, 1, static_cast<int>(left.count())) <= 0)
          return NodeReply::silent;
      }
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
