// TCP gates that fail on command: one for each link between two servers.
//
//   gates TARGET...      each `host:port` or `unix:/path`; prints the port of each gate in their
//   order
//
// Standard input: `<number of the gate> pass|stall|refuse|cut|one-way|delay`, or `<number>
// cut-now`. Each command is answered with `ok` when the gate behaves so. It ends with its input.

#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/tcp_gate.hpp"

int main(int argc, char** argv) {
  using codasync::test::TcpGate;
  const std::map<std::string, TcpGate::Mode> modes{
      {"pass", TcpGate::Mode::pass},       {"stall", TcpGate::Mode::stall},
      {"refuse", TcpGate::Mode::refuse},   {"cut", TcpGate::Mode::cut},
      {"one-way", TcpGate::Mode::one_way}, {"delay", TcpGate::Mode::delay}};
  std::vector<std::unique_ptr<TcpGate>> gates;
  for (int i = 1; i < argc; ++i) {
    gates.push_back(std::make_unique<TcpGate>(argv[i]));
    std::cout << gates.back()->port() << (i + 1 == argc ? "\n" : " ") << std::flush;
  }
  std::size_t number = 0;
  for (std::string word; std::cin >> number >> word;) {
    const auto mode = modes.find(word);
    if (number >= gates.size() || (mode == modes.end() && word != "cut-now")) {
      std::cout << "unknown" << std::endl;
      continue;
    }
    if (mode == modes.end()) {
      gates[number]->cut_now();
    } else {
      gates[number]->set(mode->second);
    }
    std::cout << "ok" << std::endl;
  }
}
