// Result<T> in tests.
#pragma once

#include <gtest/gtest.h>

#include "base/result.h"

namespace changevault::testing {

inline std::string describe(const Error& error) {
  return std::string(name(error.code)) + ": " + error.to_string();
}

#define EXPECT_OK(expression)                                                                                \
  do {                                                                                                       \
    const auto& cv_expect_result = (expression);                                                             \
    EXPECT_TRUE(cv_expect_result.has_value()) << ::changevault::testing::describe(cv_expect_result.error()); \
  } while (false)

#define ASSERT_OK(expression)                                                                                \
  do {                                                                                                       \
    const auto& cv_expect_result = (expression);                                                             \
    ASSERT_TRUE(cv_expect_result.has_value()) << ::changevault::testing::describe(cv_expect_result.error()); \
  } while (false)

#define EXPECT_ERROR(expression, expected_code)                               \
  do {                                                                        \
    const auto& cv_expect_result = (expression);                              \
    ASSERT_FALSE(cv_expect_result.has_value()) << "expected " #expected_code; \
    EXPECT_EQ(cv_expect_result.error().code, expected_code)                   \
        << ::changevault::testing::describe(cv_expect_result.error());        \
  } while (false)

// The value of a Result, or a failed test that says why.
template <typename T>
T value(Result<T> result) {
  if (!result.has_value()) throw std::runtime_error(describe(result.error()));
  return std::move(result).value();
}

}  // namespace changevault::testing
