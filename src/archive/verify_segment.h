// Proof of one object: every byte, every block, every record against what the ledger lists.
#pragma once

#include <atomic>
#include <stop_token>
#include <vector>

#include "archive/catalog.h"
#include "archive/verify.h"
#include "codec/record_builder.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

struct SegmentCheck {
  std::int64_t records = 0;
  std::int64_t bytes = 0;
  std::vector<VerifyProblem> problems;
};

struct VerifyContext {
  ObjectStore& store;
  const KeyLayout& layout;
  RecordIdentity identity;
  std::atomic<std::int64_t>& bytes_read;
  std::stop_token stop;
};

// Reads the object whole, once. Problems are named by what is wrong first: a file with another sha256 is not
// also said to have wrong records. `seen`: what a listing of the store said of it just now; nullptr: the
// store is asked. An error only where the store could not be asked.
Result<SegmentCheck> verify_segment(const VerifyContext& context, const SegmentFacts& listed,
                                    bool dead_letter, const ObjectInfo* seen = nullptr);

// All but the content: name, existence, size, and whether the block index tiles the file.
Result<SegmentCheck> verify_presence(const VerifyContext& context, const SegmentFacts& listed,
                                     bool dead_letter, const ObjectInfo* seen);

}  // namespace changevault
