#include "service/hub_comparison.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "archive/ledger_problem.h"
#include "archive/oversize_reader.h"
#include "archive/resume_point.h"
#include "codec/record_builder.h"
#include "service/event_ages.h"

namespace changevault {
namespace {

constexpr const char* kReplacedHint =
    "point hub.url at the hub that this archive belongs to; where the new one is to take its place, say so: "
    "changevault archive --new-epoch";

using PositionOf = std::map<PartitionId, Result<ResumePoint>>;

class HubComparer {
 public:
  HubComparer(Hub& hub, ObjectStore& store, const KeyLayout& layout, const HourCatalog& catalog)
      : hub_(hub),
        store_(store),
        layout_(layout),
        catalog_(catalog),
        known_(*catalog.hub()),
        identity_{known_.source_id, known_.identity, known_.epoch},
        builder_(identity_),
        bodies_(store, layout) {}

  Result<HubCoverage> run() {
    CV_ASSIGN(const HubDescription described, hub_.describe());
    out_.url = hub_.url();
    out_.identity_matches = described.identity == known_.identity;
    if (!out_.identity_matches) {
      replaced("the archive belongs to another hub than this one", kReplacedHint);
      return of_another();
    }
    if (described.partitions < known_.partitions) fewer_partitions(described.partitions);
    CV_TRY(compare());
    return std::move(out_);
  }

 private:
  void replaced(std::string what, std::string hint) {
    if (!out_.replaced)
      out_.replaced = Error(ErrorCode::kValidation, std::move(what), out_.url, std::move(hint));
  }

  void fewer_partitions(std::int32_t partitions) {
    const std::string known = std::to_string(known_.partitions);
    replaced(
        "the hub has " + std::to_string(partitions) + (partitions == 1 ? " partition" : " partitions") +
            ", the archive knows " + known,
        "give the hub at least " + known + " partitions, or begin another archive in another store.root");
  }

  Result<HubCoverage> of_another() {
    CV_ASSIGN(const std::vector<PartitionBounds> all, hub_.bounds());
    for (const PartitionBounds& bounds : all) {
      HubPartitionFacts facts = facts_of(bounds);
      facts.replaced = "it is another hub's";
      out_.partitions.push_back(judge(std::move(facts)));
    }
    return std::move(out_);
  }

  // The hub, the ledger, the hub: what is archived and deleted meanwhile must not look lost, and what is
  // published and archived meanwhile not like an end that was passed.
  Result<void> compare() {
    CV_ASSIGN(const std::vector<PartitionBounds> before, hub_.bounds());
    PositionOf positions;
    for (const PartitionBounds& bounds : before)
      positions.emplace(bounds.partition, position_of(bounds.partition));
    CV_ASSIGN(const std::vector<PartitionBounds> after, hub_.bounds());
    EventAges ages(hub_);
    for (PartitionBounds bounds : before) {
      for (const PartitionBounds& now : after) {
        if (now.partition == bounds.partition) bounds.next = std::max(bounds.next, now.next);
      }
      CV_TRY(add(bounds, positions.at(bounds.partition), ages));
    }
    return {};
  }

  Result<ResumePoint> position_of(PartitionId partition) {
    Chain chain(store_, layout_.partition_chain(partition));
    return read_position(chain, catalog_.promised_end(partition));
  }

  HubPartitionFacts facts_of(const PartitionBounds& bounds) const {
    HubPartitionFacts facts;
    facts.partition = bounds.partition;
    facts.first = bounds.first;
    facts.next = bounds.next;
    for (const LostRange& range : catalog_.lost()) {
      if (range.partition != bounds.partition) continue;
      ++facts.recorded_ranges;
      if (!range.entry.unbounded) facts.recorded_lost += range.entry.last.value - range.entry.first.value + 1;
    }
    return facts;
  }

  Result<void> add(const PartitionBounds& bounds, const Result<ResumePoint>& position, EventAges& ages) {
    HubPartitionFacts facts = facts_of(bounds);
    if (!position && !is_ledger_damage(position.error())) return position.error();
    if (position) {
      CV_TRY(place(bounds, *position, facts));
    } else {
      facts.unreadable = position.error();
    }
    if (facts.replaced) replaced("this is not the hub that was archived: " + *facts.replaced, kReplacedHint);
    HubPartition partition = judge(std::move(facts));
    if (const auto oldest = partition.oldest_pending) {
      if (const auto found = ages.of(bounds.partition, *oldest)) {
        partition.oldest_pending_time = found->time;
        partition.oldest_pending_age = found->age;
      } else if (ages.answered()) {
        nothing_waits(partition);
      }
    }
    out_.partitions.push_back(std::move(partition));
    return {};
  }

  // A partition that was last archived in an earlier life of the hub is claimed anew, as one that never was.
  Result<void> place(const PartitionBounds& bounds, const ResumePoint& position, HubPartitionFacts& facts) {
    if (position.next && position.epoch == known_.epoch && !position.closed) {
      facts.archived = position.next;
      CV_ASSIGN(const HubComparison found,
                compare_with_hub({hub_, bodies_, builder_, identity_}, bounds, position));
      if (found.fit == HubFit::kReplaced) facts.replaced = found.what;
    } else if (!position.next && catalog_.joined_later(bounds.partition)) {
      facts.begin = Sequence(0);
    }
    return {};
  }

  Hub& hub_;
  ObjectStore& store_;
  const KeyLayout& layout_;
  const HourCatalog& catalog_;
  const HubEntry& known_;
  const RecordIdentity identity_;
  RecordBuilder builder_;
  OversizeReader bodies_;
  HubCoverage out_;
};

}  // namespace

Result<HubCoverage> compare_hub(Parts& parts, const HourCatalog& catalog) {
  CV_ASSIGN(ObjectStore* const store, parts.store());
  CV_ASSIGN(Hub* const hub, parts.hub());
  if (!catalog.hub()) {
    return Error(ErrorCode::kIndeterminate, "the ledger does not tell which hub was archived: it is damaged",
                 parts.layout().seal_chain(), "see what is damaged with: changevault verify");
  }
  return HubComparer(*hub, *store, parts.layout(), catalog).run();
}

}  // namespace changevault
