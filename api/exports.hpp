#pragma once

#include <optional>
#include <string_view>

#include "api/export_format.hpp"
#include "api/problem.hpp"
#include "api/transport/http.hpp"
#include "api/transport/response_stream.hpp"

namespace codasync::api {

/// What the response to an export begins with, and its body.
struct ExportStart {
  Response head;
  ExportText text;
};

/// Returns: 503 for an export while `api.exports_max` are in progress.
Problem too_many_exports();

/// Returns: the media type of a response.
std::string_view media_type_of(ExportFormat format);

/// Returns: the format that a client accepts (RFC 9110, 12.5.1), CSV if it accepts both alike or
/// sent no Accept; nullopt when it accepts neither.
std::optional<ExportFormat> format_of_accept(std::string_view accept);

/// Sends the whole export; blocks as long as the client reads, up to the `write_timeout` of the
/// transport for each piece. Returns when all was sent or the client has gone. Throws: as
/// Export::next(); then the body was cut off, so that the client sees that it is not complete.
void send_export(ExportText& text, ResponseStream& body);

}  // namespace codasync::api
