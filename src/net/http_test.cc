#include "net/http.h"

#include <gtest/gtest.h>

namespace changevault {
namespace {

HttpResponse with(std::string name, std::string value) {
  return {503, {{std::move(name), std::move(value)}}, ""};
}

TEST(RetryAfter, IsReadInEveryForm) {
  const Timestamp now = *parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(retry_after(with("retry-after-ms", "1500"), now), milliseconds(1500));
  EXPECT_EQ(retry_after(with("x-ms-retry-after-ms", "20"), now), milliseconds(20));
  EXPECT_EQ(retry_after(with("retry-after", "7"), now), seconds(7));
  EXPECT_EQ(retry_after(with("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), now), seconds(30));
}

TEST(RetryAfter, NonsenseIsNoWait) {
  const Timestamp now{1'000'000'000'000};
  for (const char* text : {"", "soon", "-5", "1.5", "12 apples"}) {
    EXPECT_EQ(retry_after(with("retry-after", text), now), Duration{}) << text;
  }
  EXPECT_EQ(retry_after(with("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"), now), Duration{})
      << "in the past";
  EXPECT_EQ(retry_after(with("retry-after", "99999999999999999"), now), hours(1)) << "bounded";
}

TEST(HttpDate, IsWrittenAndRead) {
  const Timestamp time = *from_date(1994, 11, 6) + hours(8) + minutes(49) + seconds(37);
  EXPECT_EQ(to_http_date(time), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), time);
  for (std::int64_t day = -800; day < 30'000; day += 37) {
    const Timestamp at{day * 86'400'000 + 1000};
    if (at.ms < 0) continue;
    EXPECT_EQ(parse_http_date(to_http_date(at)), at);
  }
  EXPECT_EQ(parse_http_date(""), std::nullopt);
  EXPECT_EQ(parse_http_date("yesterday evening"), std::nullopt);
}

}  // namespace
}  // namespace changevault
