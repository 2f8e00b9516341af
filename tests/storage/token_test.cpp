#include "storage/token.hpp"

#include <gtest/gtest.h>

#include "storage/model/encoding.hpp"
#include "storage/sha256.hpp"

namespace codasync::storage {
namespace {

TEST(TokenSecret, is_accepted_with_the_hash_of_its_text) {
  const std::string secret = make_token_secret();
  EXPECT_EQ(secret.size(), 54U);
  EXPECT_TRUE(secret.starts_with("coda_"));
  EXPECT_EQ(hash_token_secret(secret), sha256(secret));
}

// The checksum as another program computes it: base 62 of Python's zlib.crc32().
TEST(TokenSecret, ends_with_a_checksum_that_scanners_can_compute) {
  const std::string secret = "coda_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA3qy2ky";
  EXPECT_EQ(hash_token_secret(secret), sha256(secret));
}

TEST(TokenSecret, of_the_first_version_without_a_checksum_is_accepted) {
  const std::string secret = make_token_secret().substr(0, 48);
  EXPECT_EQ(hash_token_secret(secret), sha256(secret));
}

TEST(TokenSecret, with_any_character_changed_is_refused) {
  const std::string good = make_token_secret();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string typo = good;
    typo[i] = typo[i] == 'x' ? 'y' : 'x';
    EXPECT_EQ(hash_token_secret(typo), std::nullopt) << good << " " << i;
  }
}

TEST(TokenSecret, is_different_each_time) { EXPECT_NE(make_token_secret(), make_token_secret()); }

TEST(TokenSecret, with_another_format_is_refused) {
  const std::string good = make_token_secret();
  std::string padded = good.substr(0, 48);
  padded.back() = 'B';  // its last bits are not zero
  std::string foreign = good.substr(0, 48);
  foreign[10] = '+';
  for (const std::string& text :
       {std::string{}, good + "A", good.substr(0, 53), good.substr(0, 49), good.substr(0, 47),
        good.substr(1), "Coda_" + good.substr(5), padded, foreign}) {
    EXPECT_EQ(hash_token_secret(text), std::nullopt) << text;
  }
}

TEST(Sha256, of_abc_equals_the_example_of_the_standard) {
  EXPECT_EQ(to_hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Role, has_a_name_that_can_be_parsed) {
  for (const Role role : {Role::staff, Role::admin}) EXPECT_EQ(parse_role(name_of(role)), role);
  EXPECT_EQ(parse_role("owner"), std::nullopt);
}

}  // namespace
}  // namespace codasync::storage
