// The archived files of a scope, for verbs that read them: by the ledger where there is one, else (archives
// that other programs wrote in the same layout) by listing the store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "archive/catalog.h"
#include "archive/ledger_problem.h"
#include "base/result.h"
#include "model/scope.h"
#include "store/key_layout.h"
#include "store/object_store.h"
#include "warehouse/warehouse.h"

namespace changevault {

struct ArchivedFile {
  SegmentRef segment;  // without a ledger: no sha256, 0 records
  Namespace ns;
  Hour hour;
  std::int64_t bytes = 0;
  std::int64_t text_bytes = 0;   // inflated; 0 without a ledger
  Timestamp latest{};            // no record's enqueued time is behind it
  Timestamp modified{};          // listed by the ledger, or written
  OperationCounts operations{};  // of its records; empty without a ledger, and of dead letters
  std::string md5{};             // hex, as the store keeps it; only without a ledger
  bool adopted = false;          // of another program, listed since
  // Where they were asked for and the ledger has an index: those that may hold records of the scope.
  std::vector<BlockFacts> blocks{};
  bool is_part = false;  // these are not all of its blocks (perhaps none)
};

struct ArchivedFiles {
  bool by_ledger = true;
  std::vector<ArchivedFile> files;  // none: proven quiet
  // Damage of the ledger. Where it is uncertain there may be more files than these.
  std::vector<LedgerProblem> problems;
  bool uncertain = false;
};

ArchivedFile file_of(const ListedSegment& listed);

enum class BlockIndex : std::uint8_t { kLeaveOut, kTake };

// kIndeterminate where nothing is known about the scope (service/scope_check.h).
Result<ArchivedFiles> archived_files(ObjectStore& store, const KeyLayout& layout, const Scope& asked,
                                     BlockIndex index = BlockIndex::kLeaveOut);

// Dead-letter objects of the scope's time and pattern; their namespace is not known.
Result<ArchivedFiles> dead_letter_files(ObjectStore& store, const KeyLayout& layout, const Scope& scope);

}  // namespace changevault
