#include "base/error.h"

#include <cerrno>
#include <cstring>

namespace changevault {

std::string Error::to_string() const {
  return object.empty() ? message : message + ": " + object;
}

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUsage:
      return 2;
    case ErrorCode::kGapsLeft:
      return 3;
    case ErrorCode::kCorrupt:
    case ErrorCode::kValidation:
      return 4;
    case ErrorCode::kNotFound:
    case ErrorCode::kIndeterminate:
      return 5;
    case ErrorCode::kUnreachable:
    case ErrorCode::kBusy:
      return 6;
    case ErrorCode::kFenced:
    case ErrorCode::kStalePlan:
      return 7;
    case ErrorCode::kInternal:
    case ErrorCode::kAlreadyExists:
      return 1;
    case ErrorCode::kCancelled:
      return 130;  // what shells say of a program that was interrupted
  }
  return 1;
}

const char* name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInternal:
      return "internal";
    case ErrorCode::kUsage:
      return "usage";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kAlreadyExists:
      return "already_exists";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kValidation:
      return "validation";
    case ErrorCode::kIndeterminate:
      return "indeterminate";
    case ErrorCode::kUnreachable:
      return "unreachable";
    case ErrorCode::kBusy:
      return "busy";
    case ErrorCode::kFenced:
      return "fenced";
    case ErrorCode::kStalePlan:
      return "stale_plan";
    case ErrorCode::kGapsLeft:
      return "gaps_left";
    case ErrorCode::kCancelled:
      return "cancelled";
  }
  return "internal";
}

Error system_error(ErrorCode code, const std::string& message, const std::string& object, int errno_value) {
  std::string hint;
  if (errno_value == EACCES || errno_value == EPERM || errno_value == EROFS) {
    hint = "give this user the right to read and write there, or choose another place in the configuration";
  } else if (errno_value == ENOSPC || errno_value == EDQUOT) {
    hint = "free some space; nothing that was acknowledged is lost, run the command again";
  }
  const bool retryable = errno_value == EINTR || errno_value == EAGAIN || errno_value == ENOSPC ||
                         errno_value == EDQUOT || errno_value == EMFILE || errno_value == ENFILE;
  return Error(code, message + ": " + std::strerror(errno_value), object, std::move(hint), retryable);
}

}  // namespace changevault
