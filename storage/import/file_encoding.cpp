#include "storage/import/file_encoding.hpp"

#include <algorithm>
#include <array>

#include "storage/import/utf8_source.hpp"
#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

using Kind = FileEncoding::Kind;

struct Known {
  std::string_view plain;  // lower case, letters and digits only
  Kind kind;
  std::string_view name;
};

// What spreadsheets write: the code pages of Windows, their ISO relatives, and the one of old Macs.
constexpr std::array kKnown{
    Known{"utf8", Kind::utf8, "UTF-8"},
    Known{"utf16le", Kind::utf16_le, "UTF-16LE"},
    Known{"utf16", Kind::utf16_le, "UTF-16LE"},
    Known{"utf16be", Kind::utf16_be, "UTF-16BE"},
    Known{"windows1252", Kind::single_byte, "WINDOWS-1252"},
    Known{"cp1252", Kind::single_byte, "WINDOWS-1252"},
    Known{"iso885915", Kind::single_byte, "ISO-8859-15"},
    Known{"latin9", Kind::single_byte, "ISO-8859-15"},
    Known{"iso88591", Kind::single_byte, "ISO-8859-1"},
    Known{"latin1", Kind::single_byte, "ISO-8859-1"},
    Known{"windows1250", Kind::single_byte, "WINDOWS-1250"},
    Known{"cp1250", Kind::single_byte, "WINDOWS-1250"},
    Known{"iso88592", Kind::single_byte, "ISO-8859-2"},
    Known{"macintosh", Kind::single_byte, "MACINTOSH"},
};

std::string plain(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      text.push_back(static_cast<char>(c - 'A' + 'a'));
    } else if (c != '-' && c != '_' && c != ' ') {
      text.push_back(c);
    }
  }
  return text;
}

}  // namespace

std::optional<FileEncoding> parse_file_encoding(std::string_view name) {
  const auto found = std::ranges::find(kKnown, plain(name), &Known::plain);
  if (found == kKnown.end()) return std::nullopt;
  return FileEncoding{found->kind, std::string{found->name}};
}

std::string_view file_encoding_names() {
  return "utf-8, utf-16le, utf-16be, windows-1252, iso-8859-15, iso-8859-1, windows-1250, "
         "iso-8859-2, macintosh";
}

std::string decoded_as_windows_1252(std::string_view bytes) {
  const SingleByteDecoder decoder{"WINDOWS-1252"};
  std::string text;
  for (const char byte : bytes) {
    const auto character = decoder[byte];
    text += utf8_length(character) == character.size() ? character : kReplacementCharacter;
  }
  return text;
}

}  // namespace codasync::storage
