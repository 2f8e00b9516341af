#include "api/session_cookie.hpp"

#include <gtest/gtest.h>

namespace codasync::api {
namespace {

Request from(std::string host, bool https, std::string cookie = {}) {
  Request request;
  request.method = Method::post;
  request.host = std::move(host);
  request.https = https;
  request.cookie = std::move(cookie);
  return request;
}

TEST(SessionCookie, is_found_among_others) {
  for (const std::string cookie : {"codasync=s", "a=b; codasync=s", "codasync=s; a=b",
                                   "a;codasync=s;b", "codasyncx=1; xcodasync=2; codasync=s"}) {
    EXPECT_EQ(session_secret(from("localhost:80", false, cookie)), "s") << cookie;
  }
  for (const std::string cookie :
       {"", "codasync", "a=codasync=s", "xcodasync=s", "Codasync=s", "__Host-codasync=s", ";;;"}) {
    EXPECT_EQ(session_secret(from("localhost", false, cookie)), std::nullopt) << cookie;
  }
  EXPECT_EQ(session_secret(from("a.example", true, "codasync=x; __Host-codasync=s")), "s");
}

TEST(SessionCookie, over_plain_http_is_for_loopback_addresses_only) {
  for (const std::string host :
       {"a.example", "", "192.168.0.1", "127.0.0.1.a.example", "127.0.0.2", "[::2]", "[::1",
        "xlocalhost", "localhost.a.example", "a.example:80@localhost", "[::1].a.example"}) {
    EXPECT_TRUE(refuse_plain_http(from(host, false))) << host;
    EXPECT_FALSE(session_secret(from(host, false, "codasync=s"))) << host;
    EXPECT_FALSE(refuse_plain_http(from(host, true))) << host;
  }
}

TEST(SessionCookie, is_for_pages_of_the_same_origin) {
  auto request = from("a.example:8443", true);
  EXPECT_TRUE(refuse_other_pages(request)) << "neither header";
  request.origin = "https://a.example:8443";
  EXPECT_FALSE(refuse_other_pages(request));
  for (const std::string origin :
       {"https://a.example", "http://a.example:8443", "https://b.example:8443", "null", "",
        "https://a.example:84430"}) {
    request.origin = origin;
    EXPECT_TRUE(refuse_other_pages(request)) << origin;
  }
  request.sec_fetch_site = "same-origin";
  EXPECT_FALSE(refuse_other_pages(request));
  for (const std::string site : {"same-site", "cross-site", "none", "Same-Origin", "x"}) {
    request.sec_fetch_site = site;
    request.origin = "https://a.example:8443";
    EXPECT_TRUE(refuse_other_pages(request)) << site;
  }
}

TEST(SessionCookie, is_not_for_bodies_that_a_form_can_send) {
  auto request = from("localhost", false);
  request.sec_fetch_site = "same-origin";
  for (const std::string type : {"", "application/json", "application/json; charset=utf-8",
                                 "text/csv", "application/merge-patch+json"}) {
    request.content_type = type;
    EXPECT_FALSE(refuse_other_pages(request)) << type;
  }
  for (const std::string type : {"text/plain", "TEXT/Plain;x", "multipart/form-data; boundary=a",
                                 "application/x-www-form-urlencoded"}) {
    request.content_type = type;
    EXPECT_TRUE(refuse_other_pages(request)) << type;
  }
  request.content_type.clear();
  request.body = "{}";
  EXPECT_TRUE(refuse_other_pages(request)) << "a body without a type";
}

TEST(SessionCookie, is_kept_from_scripts_and_other_sites_and_ends_under_the_same_name) {
  EXPECT_EQ(session_cookie(from("a.example", true), "s"),
            "__Host-codasync=s; Path=/; HttpOnly; SameSite=Strict; Max-Age=34560000; Secure");
  EXPECT_EQ(session_cookie(from("localhost", false), "s"),
            "codasync=s; Path=/; HttpOnly; SameSite=Strict; Max-Age=34560000");
  EXPECT_EQ(ended_session_cookie(from("a.example", true)),
            "__Host-codasync=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0; Secure");
}

}  // namespace
}  // namespace codasync::api
