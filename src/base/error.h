// What went wrong, as a value. Callers branch on `code`, never on text; people read `message`, `object` and
// `hint`.
#pragma once

#include <string>
#include <utility>

#include "base/time.h"

namespace changevault {

enum class ErrorCode {
  kInternal,       // a bug of ours, or a state that should be impossible
  kUsage,          // wrong flags, wrong configuration
  kNotFound,       // a definite "not there"
  kAlreadyExists,  // a create-only write met an object of that name
  kCorrupt,        // bytes that are not what their checksum, format or ledger says
  kValidation,     // a check before a change failed; nothing was changed
  kIndeterminate,  // could not be checked
  kUnreachable,    // a hub, store or warehouse did not answer, or refused us
  kBusy,           // somebody else holds it now; trying again is right
  kFenced,         // another owner has taken over
  kStalePlan,      // a plan that no longer fits the facts
  kGapsLeft,       // gaps found, or left after a repair
  kCancelled,      // asked to stop
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;     // lower case: what happened
  std::string object;      // what it happened to: a path, a key, a URL; may be empty
  std::string hint;        // the next step for the person; may be empty
  bool retryable = false;  // the same call may succeed later without anybody changing anything
  Duration retry_after{};  // the other side asked not to be called again before that

  Error(ErrorCode code_in, std::string message_in, std::string object_in = {}, std::string hint_in = {},
        bool retryable_in = false)
      : code(code_in),
        message(std::move(message_in)),
        object(std::move(object_in)),
        hint(std::move(hint_in)),
        retryable(retryable_in) {}

  bool operator==(const Error&) const = default;

  // One line: "message: object".
  std::string to_string() const;
};

// The process exit code of DESIGN's table for an error that ends a command.
int exit_code(ErrorCode code);

// A short stable word for logs and JSON: "corrupt", "fenced", …
const char* name(ErrorCode code);

// An error about a failed system call: message, object, and strerror(errno_value).
Error system_error(ErrorCode code, const std::string& message, const std::string& object, int errno_value);

}  // namespace changevault
