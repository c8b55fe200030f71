// Proof that the archive is whole and true.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/scope.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

class VerifyMemory;

enum class Verdict { kPass, kFail, kIndeterminate };
const char* name(Verdict verdict);  // "PASS", …

enum class VerifyMode {
  kFull,         // every byte
  kQuick,        // all but content: chains, seals, existence and size of every object, leftovers
  kIncremental,  // every byte of what the memory does not know with this name, size, etag and ledger entry
};
const char* name(VerifyMode mode);  // "full", …

struct VerifyProblem {
  std::string
      kind;  // a stable word: "missing", "sha256", "gzip", "record", "count", "digest", "seal", "chain", …
  std::string key;     // the object
  std::string detail;  // what was found and what was expected
  bool operator==(const VerifyProblem&) const = default;
};

struct VerifyReport {
  VerifyMode mode = VerifyMode::kFull;
  Verdict verdict = Verdict::kIndeterminate;
  std::int64_t segments_checked = 0;  // of a quick verification: looked for, not read
  std::int64_t records_checked = 0;
  std::int64_t dead_letters_checked = 0;  // records in dead-letter objects
  std::int64_t adopted_checked =
      0;  // of the segments: files of other programs, which prove nothing of others
  std::int64_t seals_checked = 0;
  std::int64_t slots_checked = 0;
  std::int64_t bytes_read = 0;
  std::int64_t remembered = 0;            // objects that were verified before and are unchanged since
  std::optional<Timestamp> oldest_check;  // of those, the one that lies furthest back
  std::int64_t lost_ranges = 0;           // that the hub no longer had, by the operator's word
  std::int64_t oversize_bodies = 0;       // of events larger than the hub takes: counted, not read, and
  std::int64_t oversize_bytes = 0;        // nothing misses one once its event is archived
  std::vector<VerifyProblem> problems;
  std::vector<std::string> leftovers;  // objects of interrupted writes that nothing lists; harmless
  std::vector<std::string> salvage;    // leftovers that a lost range names: all that is left of it
  std::vector<std::string> foreign;    // objects whose names are not ours
  std::vector<std::string> notes;      // what a person should know besides
  std::string reason;                  // of INDETERMINATE, in words
};

struct VerifyProgress {
  std::int64_t segments_done = 0;
  std::int64_t segments_all = 0;
  std::int64_t bytes_read = 0;
  std::int64_t bytes_all = 0;
};

struct VerifyOptions {
  VerifyMode mode = VerifyMode::kFull;
  // Asked by kIncremental, and told by every mode that reads what it found right, also where it is stopped in
  // the middle. nullptr: nothing is remembered, and kIncremental is kFull.
  VerifyMemory* memory = nullptr;
  Timestamp now{};  // what the memory is told; needed only with one
};

// Checks what the mode says, in the scope. An error is returned only where nothing could be said at all
// (store unreachable).
Result<VerifyReport> verify_archive(ObjectStore& store, const KeyLayout& layout, const Scope& scope,
                                    const std::function<void(const VerifyProgress&)>& progress,
                                    std::stop_token stop, const VerifyOptions& options = {});

}  // namespace changevault
