// Result<T>: a value or an Error. Never ignored silently: the class is [[nodiscard]], and `ignore_error` is
// the named call, found by a search, for the few places that may.
#pragma once

#include <expected>
#include <utility>

#include "base/error.h"

namespace changevault {

template <typename T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
  Result(Error error)  // NOLINT: implicit on purpose
      : std::expected<T, Error>(std::unexpect, std::move(error)) {}
};

template <>
class [[nodiscard]] Result<void> : public std::expected<void, Error> {
 public:
  using std::expected<void, Error>::expected;
  Result(Error error)  // NOLINT: implicit on purpose
      : std::expected<void, Error>(std::unexpect, std::move(error)) {}
};

// Drops an error on purpose; `why` is for the reader of the source.
template <typename T>
void ignore_error(const Result<T>& result, const char* why) {
  (void)result;
  (void)why;
}

#define CV_CONCAT_INNER(a, b) a##b
#define CV_CONCAT(a, b) CV_CONCAT_INNER(a, b)

// Returns the error of `expression` from the enclosing function, if it is one.
#define CV_TRY(expression) CV_TRY_INNER(CV_CONCAT(cv_result_, __COUNTER__), expression)
#define CV_TRY_INNER(temporary, expression)                          \
  do {                                                               \
    auto temporary = (expression);                                   \
    if (!temporary.has_value()) return std::move(temporary).error(); \
  } while (false)

// CV_ASSIGN(auto x, f()): declares x from the value of f(), or returns its error from the enclosing function.
#define CV_ASSIGN(declaration, expression) \
  CV_ASSIGN_INNER(CV_CONCAT(cv_result_, __COUNTER__), declaration, expression)
#define CV_ASSIGN_INNER(temporary, declaration, expression)        \
  auto temporary = (expression);                                   \
  if (!temporary.has_value()) return std::move(temporary).error(); \
  declaration = std::move(temporary).value()

}  // namespace changevault
