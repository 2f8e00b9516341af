#pragma once

#include <string>
#include <vector>

namespace codasync::test {

/// Returns: values that are not a valid cached response (nginx/README.md describes the format). The
/// test of Nginx' look-up (tests/nginx/look_up_test.py) has the same list.
inline std::vector<std::string> malformed_answers() {
  using namespace std::string_literals;
  const auto status = "HTTP/1.1 200 OK\r\n"s;
  const auto head =
      status + "Content-Type: application/json\r\nETag: \"17\"\r\nCache-Control: no-cache\r\n\r\n";
  const auto body = R"({"GTIN":"4006381333931","name":"Highlighter"})"s;
  return {
      "",
      "garbage",
      "\r\n\r\n",
      body,
      head,
      head.substr(0, head.size() - 2),
      head.substr(0, head.size() - 4) + "\n\n" + body,
      "x" + head + body,
      "HTTP/1.1 404 Not Found\r\n\r\nx",
      status,
      status + "A: b",
      status + "A: b\r\n",
      status + "A: b\r",
      status + "\r\n",
      status + "no colon\r\n\r\nx",
      status + ": x\r\n\r\nx",
      status + "A:\r\n\r\nx",
      status + "A: \r\n\r\nx",
      status + "A:b\r\n\r\nx",
      status + "A b: c\r\n\r\nx",
      status + "A: b\nC: d\r\n\r\nx",
      status + "A: b\rC: d\r\n\r\nx",
      status + "A: b\r\n C: d\r\n\r\nx",
      status + "Content-Length: 1\r\n\r\nx",
      status + "content-length: 1\r\n\r\nx",
      status + "transfer-encoding: chunked\r\n\r\nx",
      status + "Connection: close\r\n\r\nx",
      status + "Date: now\r\n\r\nx",
      status + "Server: x\r\n\r\nx",
      status + "A: \0\r\n\r\nx"s,
      status + "A: \x7f\r\n\r\nx",
      "\r\nEN\r\n",
      "VA 1 ka\r\nx\r\n",
  };
}

}  // namespace codasync::test
