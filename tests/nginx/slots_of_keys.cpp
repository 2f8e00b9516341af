#include <iostream>
#include <string>

#include "cache/key.hpp"

// slots_of_keys N: the slot among N of each key on standard input, one a line, as the service
// computes it.
int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto slots = static_cast<std::size_t>(std::stoul(argv[1]));
  for (std::string key; std::getline(std::cin, key);) {
    std::cout << codasync::cache::slot_of({key}, slots) << "\n";
  }
  return 0;
}
