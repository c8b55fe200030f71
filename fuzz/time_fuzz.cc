// Any text as a time, an hour and a duration: what is read is printed so that it reads the same.
#include <cstdint>

#include "base/time.h"
#include "fuzz/fuzzing.h"
#include "model/hour.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace changevault;
  using namespace changevault::fuzzing;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto time = parse_rfc3339(text);
  if (time) {
    const std::string printed = to_rfc3339(*time);
    require(parse_rfc3339(printed) == time && to_rfc3339(*parse_rfc3339(printed)) == printed);
    const CivilTime c = to_civil(*time);
    const auto day = from_date(c.year, c.month, c.day);
    require(day &&
            *day + hours(c.hour) + minutes(c.minute) + seconds(c.second) + milliseconds(c.millisecond) ==
                *time);
  }
  if (const auto hour = parse_hour(text)) {
    require(time == hour->start() && parse_hour(to_string(*hour)) == hour);
  }
  if (const auto duration = parse_duration(text)) {
    require(duration->ms >= 0 && parse_duration(to_string(*duration)) == duration);
  }
  return 0;
}
