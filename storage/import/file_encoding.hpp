#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace codasync::storage {

/// The encoding of a text file. `automatic`: a byte order mark, else the zero bytes of ASCII in
/// UTF-16, else UTF-8. An encoding with one byte for each character is never recognised
/// automatically, because most of them can decode any file.
struct FileEncoding {
  enum class Kind { automatic, utf8, utf16_le, utf16_be, single_byte };
  Kind kind{Kind::automatic};
  std::string name{"UTF-8"};  // for messages, and for iconv
};

/// Returns: the encoding with this name, without regard to case, `-` and `_`; nullopt for an
/// unknown name.
std::optional<FileEncoding> parse_file_encoding(std::string_view name);

/// Returns: the accepted names, for a message.
std::string_view file_encoding_names();

/// Returns: `bytes` decoded as Windows-1252; a byte without a character becomes U+FFFD.
std::string decoded_as_windows_1252(std::string_view bytes);

}  // namespace codasync::storage
