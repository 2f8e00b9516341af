#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace codasync {

/// A moment in UTC, to the microsecond, as PostgreSQL keeps it.
using Instant = std::chrono::sys_time<std::chrono::microseconds>;

/// A day of the Gregorian calendar, without a time zone.
using Date = std::chrono::year_month_day;

/// Returns: the moment now, by the wall clock. Never used to order acknowledged writes (reading.hpp
/// does that).
Instant now();

/// Returns: the date of `YYYY-MM-DD` (RFC 3339 full-date, years 0001 to 9999), or nothing when the
/// text is not such a day. Month and day may have one digit, `2026-3-1`, as the first service took
/// them; the year has four, because two could be either century.
std::optional<Date> parse_date(std::string_view text);
/// Requires: a date of those years.
/// Returns: `YYYY-MM-DD`.
std::string to_string(Date date);

/// The limits of an expiry date. Outside are typing errors, such as years of two digits and what
/// spreadsheets make of 0; the shortest date of a shelf would stay wrong until the next check.
inline constexpr Date kExpiryDateMin{std::chrono::year{2000} / 1 / 1};
inline constexpr std::chrono::years kExpiryYearsAhead{100};

/// Returns: whether `date` may be an expiry date on the day `today`: from kExpiryDateMin to the
/// same day in kExpiryYearsAhead.
bool is_expiry_date(Date date, Date today);

/// Returns: the sentence for the person who sent another one.
std::string_view explain_expiry_date();

/// Returns: the day of `instant` in UTC.
Date date_of(Instant instant);

/// Returns: the moment of an RFC 3339 date-time, any offset, up to six decimals kept; nothing when
/// it is none, is a leap second (a clock that has them cannot say when they are over) or falls
/// outside the years 0001 to 9999 in UTC.
std::optional<Instant> parse_instant(std::string_view text);

/// Requires: a moment of the years 0001 to 9999.
/// Returns: RFC 3339 in UTC with `Z` and as many decimals as needed: `2026-11-24T04:15:00.25Z`.
std::string to_string(Instant instant);

}  // namespace codasync
