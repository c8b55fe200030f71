#include "base/command.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace changevault {
namespace {

TEST(RunCommand, GivesTheOutput) {
  EXPECT_EQ(testing::value(run_command({"printf", "a %s", "b c"}, seconds(10))), "a b c");
  const std::string much = testing::value(run_command({"head", "-c", "900000", "/dev/zero"}, seconds(10)));
  EXPECT_EQ(much.size(), 900'000U);
}

TEST(RunCommand, SaysWhatWentWrong) {
  EXPECT_ERROR(run_command({"no-such-program-anywhere"}, seconds(10)), ErrorCode::kNotFound);
  const auto failed = run_command({"sh", "-c", "echo first >&2; echo the reason >&2; exit 3"}, seconds(10));
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code, ErrorCode::kUnreachable);
  EXPECT_EQ(failed.error().message, "the reason");
  EXPECT_ERROR(run_command({"false"}, seconds(10)), ErrorCode::kUnreachable);
  EXPECT_ERROR(run_command({"head", "-c", "3000000", "/dev/zero"}, seconds(10)), ErrorCode::kUnreachable);
}

TEST(RunCommand, IsKilledWhenItTakesTooLong) {
  const auto late = run_command({"sleep", "600"}, milliseconds(200));
  ASSERT_FALSE(late.has_value());
  EXPECT_TRUE(late.error().retryable);
}

}  // namespace
}  // namespace changevault
