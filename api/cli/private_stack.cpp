#include "api/cli/private_stack.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace codasync::api::cli {
namespace {

namespace fs = std::filesystem;

bool may_be_used(const fs::path& folder) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return false;
  if (status.st_uid == ::geteuid() || status.st_uid == 0) return true;
  const passwd* const account = ::getpwnam("codasync");
  return ::geteuid() == 0 && account != nullptr && status.st_uid == account->pw_uid;
}

}  // namespace

std::string PrivateStack::value(const std::string& name) const {
  const auto found = env.find(name);
  return found == env.end() ? std::string{} : found->second;
}

std::optional<PrivateStack> find_private_stack() {
  std::error_code error;
  for (fs::path at = fs::current_path(error); !at.empty(); at = at.parent_path()) {
    const auto folder = at / ".run";
    if (fs::exists(folder / "codasync.toml", error) && may_be_used(folder)) {
      PrivateStack stack{folder / "codasync.toml", {}};
      std::ifstream lines{folder / "env"};
      for (std::string line; std::getline(lines, line);) {
        const auto equals = line.find('=');
        if (equals != std::string::npos)
          stack.env[line.substr(0, equals)] = line.substr(equals + 1);
      }
      return stack;
    }
    if (at == at.root_path()) break;
  }
  return std::nullopt;
}

bool has_settings(const config::Environment& environment) {
  const auto loaded = config::load(std::nullopt, environment);
  return !loaded.problems.empty() || std::ranges::any_of(loaded.effective, [](const auto& each) {
    return each.source != "default";
  });
}

}  // namespace codasync::api::cli
