#include "cache/entry_seal.hpp"

#include <gmock/gmock.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>

#include "tests/support/process.hpp"

namespace codasync::cache {
namespace {

const Key kShop = shop_response(ShopId{7});
constexpr std::uint32_t kExpiry = 1'800'000'060;
const std::string kContent = "HTTP/1.1 200 OK\r\n\r\n{}";
const std::string kFirst = "000102030405060708090a0b0c0d0e0f";
const std::string kSecond = "101112131415161718191A1B1C1D1E1F";

std::string hexadecimal(std::string_view bytes) {
  std::string digits;
  for (const char byte : bytes) {
    char pair[3];
    std::snprintf(pair, sizeof pair, "%02x",
                  static_cast<unsigned>(static_cast<unsigned char>(byte)));
    digits += pair;
  }
  return digits;
}

class EntrySealTest : public testing::Test {
 protected:
  ~EntrySealTest() override { std::filesystem::remove_all(directory_); }

  std::string file_with(const std::string& text) {
    std::ofstream{path_} << text;
    return path_;
  }
  EntrySeal with_keys(const std::string& text, bool private_reads = false) {
    MemcachedOptions options;
    options.key_file = file_with(text);
    options.private_reads = private_reads;
    return EntrySeal{options};
  }

  const std::string directory_ = test::make_scratch_directory();
  const std::string path_ = directory_ + "/keys";
};

// Computed with another implementation of SipHash-2-4-128.
TEST_F(EntrySealTest, has_a_fixed_format) {
  const auto seal_of = [](const EntrySeal& seal) {
    const auto entry = seal.close(kShop, kExpiry, kContent);
    EXPECT_TRUE(entry.ends_with(kContent));
    return hexadecimal(entry.substr(0, entry.size() - kContent.size()));
  };
  EXPECT_EQ(seal_of(with_keys(kFirst + "\n")), "cdbf436e40211ee196a8ed8f02ab6997");
  EXPECT_EQ(seal_of(with_keys(kFirst + "\n", true)), "6f48df703525c72e0e26b21cedf7192d");
  EXPECT_EQ(seal_of(EntrySeal{MemcachedOptions{}}), "d7904f8ef62858002ae4a9321c3313a2");
}

TEST_F(EntrySealTest, opens_what_it_closed) {
  const auto seal = with_keys(kFirst);
  for (const std::size_t size : {1U, 7U, 8U, 9U, 1000U, 1'000'000U}) {
    const std::string content(size, 'x');
    EXPECT_EQ(seal.open(kShop, kExpiry, seal.close(kShop, kExpiry, content)), content);
  }
}

TEST_F(EntrySealTest, opens_nothing_that_was_changed) {
  const auto seal = with_keys(kFirst);
  const auto entry = seal.close(kShop, kExpiry, kContent);
  for (std::size_t bit = 0; bit < 8 * entry.size(); ++bit) {
    auto changed = entry;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(seal.open(kShop, kExpiry, changed), "") << "bit " << bit;
  }
  for (std::size_t size = 0; size < entry.size(); ++size)
    EXPECT_EQ(seal.open(kShop, kExpiry, entry.substr(0, size)), "") << size << " bytes";
  EXPECT_EQ(seal.open(kShop, kExpiry, entry + "x"), "");
  EXPECT_EQ(seal.open(kShop, kExpiry, std::string(EntrySeal::kBytes, '\0') + kContent), "");
}

TEST_F(EntrySealTest, opens_nothing_under_another_key_or_expiry_or_of_other_readers) {
  const auto seal = with_keys(kFirst);
  const auto entry = seal.close(kShop, kExpiry, kContent);
  EXPECT_EQ(seal.open(shop_response(ShopId{8}), kExpiry, entry), "");
  EXPECT_EQ(seal.open(kShop, kExpiry + 1, entry), "");
  EXPECT_EQ(with_keys(kSecond).open(kShop, kExpiry, entry), "");
  EXPECT_EQ(with_keys(kFirst, true).open(kShop, kExpiry, entry), "");
  EXPECT_EQ(EntrySeal{MemcachedOptions{}}.open(kShop, kExpiry, entry), "");
}

TEST_F(EntrySealTest, closes_with_the_first_key_and_opens_with_each) {
  const auto old_one = with_keys(kFirst).close(kShop, kExpiry, kContent);
  const auto new_one = with_keys(kSecond).close(kShop, kExpiry, kContent);
  const auto both =
      with_keys("# the new one, then the old one\n\n" + kSecond + "\n" + kFirst + "\n");
  EXPECT_EQ(both.open(kShop, kExpiry, old_one), kContent);
  EXPECT_EQ(both.open(kShop, kExpiry, new_one), kContent);
  EXPECT_EQ(both.close(kShop, kExpiry, kContent), new_one);
}

TEST_F(EntrySealTest, needs_a_file_of_one_to_four_keys_and_quotes_none_of_it) {
  const auto line = std::string(32, '0') + "\n";
  for (const auto& text :
       {std::string{}, std::string{"# no key\n"}, std::string(31, '0'), std::string(33, '0'),
        std::string(32, 'g'), std::string(32, '0') + "\r\n", " " + line,
        line + line + line + line + line, std::string(5000, '#')}) {
    const auto problem = problem_of_key_file(file_with(text));
    ASSERT_TRUE(problem) << text;
    EXPECT_THAT(*problem, testing::Not(testing::HasSubstr("000")));
    EXPECT_THROW(with_keys(text), std::runtime_error);
  }
  EXPECT_FALSE(problem_of_key_file(file_with(line + line + line + line)));
  EXPECT_THAT(problem_of_key_file(directory_ + "/missing").value_or(""),
              testing::HasSubstr("No such file"));
  EXPECT_TRUE(problem_of_key_file(directory_)) << "a folder";
}

TEST_F(EntrySealTest, opens_no_random_bytes) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  const auto seal = with_keys(kFirst);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random() % 100, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(random());
    EXPECT_EQ(seal.open(kShop, kExpiry, bytes), "");
  }
}

}  // namespace
}  // namespace codasync::cache
