// Proof that the archive is whole and true.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/scope.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

enum class Verdict { kPass, kFail, kIndeterminate };
const char* name(Verdict verdict);  // "PASS", …

struct VerifyProblem {
  std::string
      kind;  // a stable word: "missing", "sha256", "gzip", "record", "count", "digest", "seal", "chain", …
  std::string key;     // the object
  std::string detail;  // what was found and what was expected
  bool operator==(const VerifyProblem&) const = default;
};

struct VerifyReport {
  Verdict verdict = Verdict::kIndeterminate;
  std::int64_t segments_checked = 0;
  std::int64_t records_checked = 0;
  std::int64_t dead_letters_checked = 0;  // records in dead-letter objects
  std::int64_t seals_checked = 0;
  std::int64_t slots_checked = 0;
  std::int64_t bytes_read = 0;
  std::vector<VerifyProblem> problems;
  std::vector<std::string> leftovers;  // objects that nothing lists; harmless
  std::string reason;                  // of INDETERMINATE, in words
};

struct VerifyProgress {
  std::int64_t segments_done = 0;
  std::int64_t segments_all = 0;
  std::int64_t bytes_read = 0;
  std::int64_t bytes_all = 0;
};

// Reads every byte in the scope. An error is returned only where nothing could be said at all (store
// unreachable).
Result<VerifyReport> verify_archive(ObjectStore& store, const KeyLayout& layout, const Scope& scope,
                                    const std::function<void(const VerifyProgress&)>& progress,
                                    std::stop_token stop);

}  // namespace changevault
