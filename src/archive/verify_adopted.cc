#include "archive/verify_adopted.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "archive/found_archive.h"

namespace changevault {
namespace {

class Check {
 public:
  Check(const VerifyContext& context, const ListedSegment& listed) : context_(context), listed_(listed) {}

  // The object as the store has it; nullopt: it is not there, which is said.
  Result<std::optional<ObjectInfo>> look(const ObjectInfo* seen) {
    const auto info = seen != nullptr ? Result<ObjectInfo>(*seen) : context_.store.head(listed_.facts.key);
    if (!info && info.error().code == ErrorCode::kNotFound) {
      problem("missing",
              fmt::format("it is adopted ({} records), the store does not have it", listed_.facts.records));
      return std::optional<ObjectInfo>();
    }
    if (!info) return info.error();
    if (info->bytes != listed_.facts.bytes)
      problem("size", fmt::format("{} bytes, the ledger says {}", info->bytes, listed_.facts.bytes));
    return std::optional(*info);
  }

  Result<void> read(const ObjectInfo& object) {
    if (object.offline) {
      return Error(ErrorCode::kUnreachable,
                   "it is in a tier without access; bring it back and verify it then", listed_.facts.key);
    }
    const FoundReading reading{listed_.foreign->source_id, context_.stop,
                               [this](std::int64_t bytes) { context_.bytes_read += bytes; }};
    CV_ASSIGN(const FoundFile found, read_found_file(context_.store, object, reading));
    check_.bytes = found.bytes;
    check_.records = found.records;
    compare(found);
    return {};
  }

  SegmentCheck take() { return std::move(check_); }

 private:
  void problem(const char* kind, std::string detail) {
    check_.problems.push_back({kind, listed_.facts.key, std::move(detail)});
  }

  // Other bytes say it all: what they hold instead is of no interest.
  void compare(const FoundFile& found) {
    const SegmentFacts& facts = listed_.facts;
    if (found.sha256 != facts.sha256) {
      problem("sha256",
              fmt::format("the bytes are not those that were adopted: sha256 {}, the ledger says {}",
                          found.sha256, facts.sha256));
    } else if (!found.is_whole()) {
      problem("record", found.problem);
    } else {
      compare(listing_of(found, context_.layout, listed_.foreign->source_id));
    }
  }

  void compare(const ListedSegment& found) {
    const SegmentFacts& facts = listed_.facts;
    if (found.facts.records != facts.records) {
      return problem("count",
                     fmt::format("{} records, the ledger says {}", found.facts.records, facts.records));
    }
    if (found.facts.digest != facts.digest)
      problem("digest", "the event_ids are not those that the ledger counts");
    SegmentFacts same = found.facts;
    same.partition = facts.partition;
    if (same != facts || !std::ranges::equal(found.cells(), listed_.cells()))
      problem("facts",
              "operations, times, sizes, hours or distinct event_ids are not those that it is listed with");
  }

  const VerifyContext& context_;
  const ListedSegment& listed_;
  SegmentCheck check_;
};

}  // namespace

Result<SegmentCheck> verify_adopted(const VerifyContext& context, const ListedSegment& listed,
                                    const ObjectInfo* seen) {
  Check check(context, listed);
  CV_ASSIGN(const std::optional<ObjectInfo> object, check.look(seen));
  if (object) CV_TRY(check.read(*object));
  return check.take();
}

Result<SegmentCheck> verify_adopted_presence(const VerifyContext& context, const ListedSegment& listed,
                                             const ObjectInfo* seen) {
  Check check(context, listed);
  CV_TRY(check.look(seen));
  return check.take();
}

}  // namespace changevault
