#include "net/http.h"

#include <algorithm>
#include <charconv>

#include <curl/curl.h>
#include <fmt/format.h>

namespace changevault {
namespace {

constexpr Duration kLongestWait = hours(1);

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

Duration bounded(std::int64_t ms) {
  return milliseconds(std::clamp<std::int64_t>(ms, 0, kLongestWait.ms));
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  const auto found = std::ranges::find(headers, name, &HttpHeader::name);
  return found == headers.end() ? std::string_view() : std::string_view(found->value);
}

Duration retry_after(const HttpResponse& response, Timestamp now) {
  for (const char* name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
    if (const auto ms = whole_number(response.header(name))) return bounded(*ms);
  }
  const std::string_view text = response.header("retry-after");
  if (const auto seconds_asked = whole_number(text))
    return bounded(std::min<std::int64_t>(*seconds_asked, 3600) * 1000);
  const auto date = parse_http_date(text);
  return date ? bounded((*date - now).ms) : Duration{};
}

std::optional<Timestamp> date_of(const HttpResponse& response) {
  return parse_http_date(response.header("date"));
}

std::string to_http_date(Timestamp time) {
  constexpr const char* kDays[] = {"Thu", "Fri", "Sat", "Sun",
                                   "Mon", "Tue", "Wed"};  // 1970-01-01 was a Thursday
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  constexpr std::int64_t kDayMs = 86'400'000;
  const CivilTime civil = to_civil(time);
  const std::int64_t day = (time.ms >= 0 ? time.ms : time.ms - (kDayMs - 1)) / kDayMs;
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[((day % 7) + 7) % 7], civil.day,
                     kMonths[civil.month - 1], civil.year, civil.hour, civil.minute, civil.second);
}

std::optional<Timestamp> parse_http_date(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const time_t time = curl_getdate(std::string(text).c_str(), nullptr);
  if (time < 0) return std::nullopt;
  return Timestamp{static_cast<std::int64_t>(time) * 1000};
}

}  // namespace changevault
