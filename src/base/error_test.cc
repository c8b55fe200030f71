#include "base/error.h"

#include <cerrno>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "base/result.h"

namespace changevault {
namespace {

constexpr ErrorCode kAll[] = {ErrorCode::kInternal,      ErrorCode::kUsage,       ErrorCode::kNotFound,
                              ErrorCode::kAlreadyExists, ErrorCode::kCorrupt,     ErrorCode::kValidation,
                              ErrorCode::kIndeterminate, ErrorCode::kUnreachable, ErrorCode::kBusy,
                              ErrorCode::kFenced,        ErrorCode::kStalePlan,   ErrorCode::kGapsLeft,
                              ErrorCode::kCancelled};

// Scripts depend on these numbers.
TEST(Error, ExitCodesArePinned) {
  EXPECT_EQ(exit_code(ErrorCode::kInternal), 1);
  EXPECT_EQ(exit_code(ErrorCode::kUsage), 2);
  EXPECT_EQ(exit_code(ErrorCode::kGapsLeft), 3);
  EXPECT_EQ(exit_code(ErrorCode::kCorrupt), 4);
  EXPECT_EQ(exit_code(ErrorCode::kValidation), 4);
  EXPECT_EQ(exit_code(ErrorCode::kIndeterminate), 5);
  EXPECT_EQ(exit_code(ErrorCode::kNotFound), 5);
  EXPECT_EQ(exit_code(ErrorCode::kUnreachable), 6);
  EXPECT_EQ(exit_code(ErrorCode::kBusy), 6);
  EXPECT_EQ(exit_code(ErrorCode::kFenced), 7);
  EXPECT_EQ(exit_code(ErrorCode::kStalePlan), 7);
  EXPECT_EQ(exit_code(ErrorCode::kCancelled), 130);
}

TEST(Error, NoErrorEndsInSuccess) {
  for (const ErrorCode code : kAll) EXPECT_NE(exit_code(code), 0) << name(code);
}

TEST(Error, EveryCodeHasItsOwnName) {
  std::set<std::string> names;
  for (const ErrorCode code : kAll) names.insert(name(code));
  EXPECT_EQ(names.size(), std::size(kAll));
}

TEST(Error, SaysWhatAndWhere) {
  EXPECT_EQ(Error(ErrorCode::kNotFound, "no such file", "a.jsonl").to_string(), "no such file: a.jsonl");
  EXPECT_EQ(Error(ErrorCode::kNotFound, "nothing there").to_string(), "nothing there");
}

TEST(Error, SystemErrorsKnowWhatCanPass) {
  const Error full = system_error(ErrorCode::kUnreachable, "cannot write", "x", ENOSPC);
  EXPECT_TRUE(full.retryable);
  EXPECT_NE(full.hint, "");
  EXPECT_NE(full.message.find("No space left"), std::string::npos);
  const Error refused = system_error(ErrorCode::kUnreachable, "cannot write", "x", EACCES);
  EXPECT_FALSE(refused.retryable);
  EXPECT_NE(refused.hint, "");
}

Result<int> half(int value) {
  if (value % 2 != 0) return Error(ErrorCode::kUsage, "odd");
  return value / 2;
}
Result<int> quarter(int value) {
  CV_ASSIGN(const int once, half(value));
  CV_ASSIGN(const int twice, half(once));
  return twice;
}
Result<void> must_be_even(int value) {
  CV_TRY(half(value));
  return {};
}

TEST(Result, CarriesTheValueOrTheFirstError) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().message, "odd");
  EXPECT_TRUE(must_be_even(2).has_value());
  EXPECT_EQ(must_be_even(3).error().code, ErrorCode::kUsage);
}

}  // namespace
}  // namespace changevault
