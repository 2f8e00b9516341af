#include "storage/import/file_text.hpp"

#include <algorithm>

#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

/// What a text says about its encoding.
struct Utf8Check {
  std::size_t first_invalid{std::string_view::npos};
  std::size_t invalid{0};  // bytes
  std::size_t longer{0};   // valid characters of two or more bytes
};

/// A character that the end of the text cuts is valid when `is_all` is false.
Utf8Check check_utf8(std::string_view text, bool is_all) {
  Utf8Check check;
  for (std::size_t at = 0; at < text.size();) {
    const auto length = utf8_length(text.substr(at));
    constexpr std::size_t kLongest = 4;
    if (length == 0) {
      if (!is_all && text.size() - at < kLongest) break;
      if (check.invalid++ == 0) check.first_invalid = at;
    }
    if (length > 1) ++check.longer;
    at += std::max<std::size_t>(length, 1);
  }
  return check;
}

std::size_t line_of(std::string_view text, std::size_t at) {
  return static_cast<std::size_t>(std::ranges::count(text.substr(0, at), '\n')) + 1;
}

/// Returns: the first fields that are not valid UTF-8 as Windows-1252, with their lines. Several,
/// because one can look right although the encoding is another one.
std::string read_as_windows_1252(std::string_view text, std::size_t first_invalid) {
  constexpr std::string_view kEnds = ",;\t|\r\n\"";
  constexpr std::size_t kShownMax = 60;  // bytes on each side
  constexpr int kFieldsMax = 3;
  std::string fields;
  auto at = first_invalid;
  for (int i = 0; i < kFieldsMax; ++i) {
    const auto before = text.substr(0, at).find_last_of(kEnds);
    const auto begin =
        std::max(before == text.npos ? 0 : before + 1, at < kShownMax ? 0 : at - kShownMax);
    const auto end = std::min({text.find_first_of(kEnds, at), text.size(), at + kShownMax});
    fields += (fields.empty() ? "" : ", ") + std::string{"line "} +
              std::to_string(line_of(text, at)) + " has \"" +
              decoded_as_windows_1252(text.substr(begin, end - begin)) + "\"";
    const auto next = check_utf8(text.substr(end), false).first_invalid;
    if (next == text.npos) break;
    at = end + next;
  }
  return fields;
}

/// Returns: what the text means in Windows-1252, and what to do.
std::string explain_encoding(std::string_view text, const Utf8Check& check) {
  if (check.longer > check.invalid) {
    return "The file is UTF-8, but not everywhere: the first damaged place is in line " +
           std::to_string(line_of(text, check.first_invalid)) +
           ". To refuse only the rows that are not valid: --encoding utf-8.";
  }
  return "The file is not valid UTF-8. Read as windows-1252, " +
         read_as_windows_1252(text, check.first_invalid) +
         ". If that is right, as in files of spreadsheets in western Europe: --encoding "
         "windows-1252. Other encodings: " +
         std::string{file_encoding_names()} +
         ". To refuse only the rows that are not valid: --encoding utf-8.";
}

}  // namespace

std::optional<std::string> refuse_as_utf8(std::string_view text, bool is_all) {
  const auto check = check_utf8(text, is_all);
  return check.invalid > 0 ? std::optional{explain_encoding(text, check)} : std::nullopt;
}

}  // namespace codasync::storage
