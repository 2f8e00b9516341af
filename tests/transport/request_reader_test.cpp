#include "api/transport/request_reader.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace codasync::api::transport {
namespace {

/// Returns: what the bytes of a client become: `GET /path body` for each request, `100`, or the
/// status of a refusal.
std::vector<std::string> read(std::string_view bytes, std::size_t piece = 100'000,
                              std::size_t bytes_max = 10'000) {
  RequestReader reader{bytes_max, Sender::client};
  std::vector<std::string> found;
  while (!bytes.empty()) {
    reader.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (bool more = true; more && reader.started();) {
      auto step = reader.next();
      if (auto* complete = std::get_if<RequestReader::Complete>(&step)) {
        const Request& request = complete->request;
        found.push_back(std::string{name_of(request.method)} + " " + request.path + " " +
                        request.body);
      } else if (std::holds_alternative<RequestReader::ExpectsContinue>(step)) {
        found.emplace_back("100");
      } else if (auto* refusal = std::get_if<Refusal>(&step)) {
        found.push_back(std::to_string(refusal->status));
        return found;
      } else {
        more = false;
      }
    }
  }
  return found;
}

using Strings = std::vector<std::string>;

constexpr std::string_view kStream =
    "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
    "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
    "\r\n"
    "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3;why=not\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
    "DELETE /d HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(RequestReader, finds_the_same_requests_however_the_bytes_are_cut) {
  const Strings expected{"GET /a ", "POST /b hello", "PUT /c abc0123456789", "DELETE /d "};
  for (std::size_t piece = 1; piece <= kStream.size(); ++piece) {
    EXPECT_EQ(read(kStream, piece), expected) << "pieces of " << piece;
  }
}

TEST(RequestReader, reports_once_that_a_client_expects_100) {
  const std::string head =
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  EXPECT_EQ(read(head + "hi", head.size()), (Strings{"100", "POST / hi"}));
  EXPECT_EQ(read(head + "hi"), (Strings{"POST / hi"})) << "the body arrived without waiting";
}

TEST(RequestReader, sends_no_100_to_a_client_of_http_1_0) {
  const std::string head =
      "POST / HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  EXPECT_EQ(read(head + "hi", head.size()), (Strings{"POST / hi"}));
}

TEST(RequestReader, refuses_chunks_that_can_be_read_in_two_ways) {
  const std::string head = "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n";
  EXPECT_EQ(read(head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), Strings{"400"});
  EXPECT_EQ(read(head + "\r\n1;" + std::string(5000, 'x') + "\r\nx\r\n0\r\n\r\n", 100),
            Strings{"400"})
      << "an extension that does not end";
  EXPECT_EQ(read(head + "\r\n1\r\nxy\r\n0\r\n\r\n"), Strings{"400"});
  EXPECT_EQ(read(head + "\r\n1\nx\r\n0\r\n\r\n"), Strings{"400"});
}

TEST(RequestReader, refuses_a_body_as_soon_as_it_exceeds_the_limit) {
  EXPECT_EQ(read("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\n"), Strings{"413"});
  const std::string chunked = "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(read(chunked + "FFFFFFF\r\n"), Strings{"413"});
  std::string many = chunked;
  for (int i = 0; i < 4000; ++i) many += "1\r\nx\r\n";
  EXPECT_EQ(read(many, 1000), Strings{"413"}) << "the bytes on the wire count";
}

TEST(RequestReader, refuses_a_long_line_of_a_chunk_alike_however_the_bytes_are_cut) {
  const std::string chunked = "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string line = "5;" + std::string(5000, 'x');
  for (const std::string_view end : {"\n", "\r\nhello\r\n0\r\n\r\n", ""}) {
    const auto bytes = chunked + line + std::string{end};
    for (const std::size_t piece : {1U, 7U, 64U, 100'000U}) {
      EXPECT_EQ(read(bytes, piece, 1000), Strings{"413"})
          << "more than the body may have, " << piece;
      EXPECT_EQ(read(bytes, piece, 10'000), Strings{"400"})
          << "more than a line may have, " << piece;
    }
  }
}

TEST(RequestReader, reads_the_same_at_each_limit_however_the_bytes_are_cut) {
  const std::string chunked =
      "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "6;why=" +
      std::string(40, 'x') + "\r\nabcdef\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
  const std::string sized = "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabcdef";
  for (const std::string_view bytes : {std::string_view{chunked}, std::string_view{sized}}) {
    for (std::size_t limit = 0; limit <= bytes.size() + 1; ++limit) {
      for (std::size_t end = 1; end <= bytes.size(); ++end) {
        const auto begun = bytes.substr(0, end);
        ASSERT_EQ(read(begun, 1, limit), read(begun, end, limit)) << "limit " << limit << '\n'
                                                                  << begun;
      }
    }
  }
}

TEST(RequestReader, refuses_heads_that_do_not_end) {
  EXPECT_EQ(read("GET /" + std::string(40'000, 'x'), 4096), Strings{"414"});
  EXPECT_EQ(read("GET / HTTP/1.1\r\nX: " + std::string(40'000, 'x'), 4096), Strings{"431"});
}

TEST(RequestReader, skips_a_limited_number_of_empty_lines_before_a_request) {
  const std::string get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  EXPECT_EQ(read("\r\n" + get + "\r\n\r\n" + get), (Strings{"GET /a ", "GET /a "}));
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "\r\n";
  for (const std::size_t piece : {1U, 2U, 3U, 100'000U}) {
    EXPECT_EQ(read(many, piece), Strings{"400"}) << "pieces of " << piece;
  }
}

TEST(RequestReader, survives_random_bytes) {
  std::uint32_t state = 4711;
  const auto random = [&] { return state = state * 1664525 + 1013904223, state >> 16; };
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes{kStream};
    for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    read(bytes, 1 + random() % 100);  // the sanitizers find faults
  }
}

}  // namespace
}  // namespace codasync::api::transport
