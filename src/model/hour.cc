#include "model/hour.h"

namespace changevault {

std::string to_string(Hour hour) {
  return to_rfc3339_seconds(hour.start());
}

std::string date_path(Hour hour) {
  std::string date = to_rfc3339(hour.start()).substr(0, 10);
  date[4] = date[7] = '/';
  return date;
}

std::string hour_digits(Hour hour) {
  return to_rfc3339(hour.start()).substr(11, 2);
}

std::optional<Hour> parse_hour(std::string_view text) {
  const auto time = parse_rfc3339(text);
  if (!time || time->ms % 3'600'000 != 0) return std::nullopt;
  return hour_of(*time);
}

}  // namespace changevault
