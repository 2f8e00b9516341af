#include "cache/server_control.hpp"

#include <cassert>
#include <string>
#include <utility>

#include "cache/address.hpp"
#include "cache/text_connection.hpp"

namespace codasync::cache {
namespace {

class MemcachedControl final : public ServerControl {
 public:
  explicit MemcachedControl(const MemcachedOptions& options) : options_{options} {}

  [[nodiscard]] std::size_t count() const override { return options_.servers.size(); }
  // No entry has this key. The command shows only that deletions are acknowledged.
  std::optional<Unreachable> probe(std::size_t slot) override {
    return run(slot, "delete nothing\r\n");
  }
  std::optional<Unreachable> flush(std::size_t slot) override { return run(slot, "flush_all\r\n"); }

 private:
  [[nodiscard]] std::optional<Unreachable> run(std::size_t slot, std::string command) const {
    const auto address = parse_address(options_.servers.at(slot));
    assert(address);
    try {
      run_command(*address, std::move(command), options_.connect_timeout, options_.answer_timeout);
      return std::nullopt;
    } catch (const TextFailure& failure) {
      return failure.reason();
    }
  }

  const MemcachedOptions options_;
};

}  // namespace

std::unique_ptr<ServerControl> make_server_control(const MemcachedOptions& options) {
  return std::make_unique<MemcachedControl>(options);
}

}  // namespace codasync::cache
