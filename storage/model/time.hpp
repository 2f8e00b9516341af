#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace codasync {

/// A time in UTC, with PostgreSQL's resolution of one microsecond.
using Instant = std::chrono::sys_time<std::chrono::microseconds>;

/// A day of the Gregorian calendar, without a time zone.
using Date = std::chrono::year_month_day;

/// Returns: the current time of this machine's clock. Acknowledged writes are ordered by the
/// database's clock instead (storage/README.md, "One clock").
Instant now();

/// Returns: the date of `YYYY-MM-DD` (RFC 3339 full-date, years 0001 to 9999); nullopt for any
/// other text. Month and day may have one digit, `2026-3-1`, as in the Django service that CodaSync
/// replaces; the year has four, because two do not define the century.
std::optional<Date> parse_date(std::string_view text);
/// Requires: a date of those years.
/// Returns: `YYYY-MM-DD`.
std::string to_string(Date date);

/// The limits of an expiry date. Dates outside are typing errors, such as two-digit years and the
/// date that spreadsheets show for 0; the shortest date of a shelf would stay wrong until the next
/// check.
inline constexpr Date kExpiryDateMin{std::chrono::year{2000} / 1 / 1};
inline constexpr std::chrono::years kExpiryYearsAhead{100};

/// Returns: whether `date` may be an expiry date on the day `today`: from kExpiryDateMin to the
/// same day in kExpiryYearsAhead.
bool is_expiry_date(Date date, Date today);

/// Returns: the sentence for a user who sent a date outside.
std::string_view explain_expiry_date();

/// Returns: the day of `instant` in UTC.
Date date_of(Instant instant);

/// Returns: the time of an RFC 3339 date-time with any offset, to six decimals; nullopt for any
/// other text, for a leap second (std::chrono::sys_time has none) and outside the years 0001 to
/// 9999 in UTC.
std::optional<Instant> parse_instant(std::string_view text);

/// Requires: a time of the years 0001 to 9999. Returns: RFC 3339 in UTC with `Z` and as many
/// decimals as needed: `2026-11-24T04:15:00.25Z`.
std::string to_string(Instant instant);

}  // namespace codasync
