#include "archive/seals_beginning.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "archive/chain.h"
#include "archive/ledger_problem.h"
#include "archive/resume_point.h"

namespace changevault {
namespace {

constexpr const char* kFromBackup = "put the folder _ledger/seals back from a backup";

Error not_proven(std::string what, const std::string& object) {
  return Error(ErrorCode::kIndeterminate, std::move(what), object, kFromBackup);
}

}  // namespace

Result<void> SealsBeginning::check_group() {
  const auto group = parts_.hub.describe_group(names_.group);
  if (!group && group.error().code == ErrorCode::kNotFound) return {};
  CV_TRY(group);
  const std::string archive = parts_.store.url() + "/" + parts_.layout.root();
  if (!group->owner.id.empty() && group->owner.name != archive) {
    return Error(ErrorCode::kUsage,
                 fmt::format("the group '{}' works for another archive: {}", names_.group, group->owner.name),
                 parts_.hub.url(), "correct hub.url, hub.group or store.root");
  }
  if (group->members.empty()) return {};
  return Error(
      ErrorCode::kBusy,
      fmt::format("the group '{}' has members that archive: {}", names_.group, group->members.front().name),
      parts_.hub.url(), "stop all archivers of this archive, then run repair again");
}

Result<SealsBeginning::Proof> SealsBeginning::prove() {
  CV_TRY(check_group());
  CV_ASSIGN(const HubDescription hub, parts_.hub.describe());
  CV_ASSIGN(const std::vector<PartitionId> chains, partition_chains(parts_.store, parts_.layout));
  const RecordIdentity identity{names_.source_id, hub.identity, Epoch(0)};
  RecordBuilder builder(identity);
  const OversizeReader bodies(parts_.store, parts_.layout);
  const ComparedHub compared{parts_.hub, bodies, builder, identity};
  Proof proof;
  std::int32_t partitions = 1;
  for (const PartitionId partition : chains) {
    partitions = std::max(partitions, partition.value + 1);
    Chain chain(parts_.store, parts_.layout.partition_chain(partition));
    CV_ASSIGN(const ResumePoint resume, read_resume_point(chain, Slot(0)));
    if (resume.epoch != Epoch(0)) {
      return not_proven("the archive had more than one hub, only the lost chain knew which", chain.folder());
    }
    if (!resume.next) continue;
    if (partition.value >= hub.partitions) {
      return not_proven(fmt::format("the hub has {} partitions, the archive has more", hub.partitions),
                        chain.folder());
    }
    CV_ASSIGN(const HubComparison found, compare_with_hub(compared, partition, resume));
    if (found.fit == HubFit::kReplaced) {
      return Error(ErrorCode::kIndeterminate,
                   "the hub, or source.id, is not what was archived: " + found.what, parts_.hub.url(),
                   std::string("correct hub.url and source.id, or ") + kFromBackup);
    }
    proof.proven += found.tail_found ? 1 : 0;
  }
  if (proof.proven == 0) {
    return not_proven(
        "the hub holds none of the last events that were archived, so nothing proves that it is the same",
        parts_.hub.url());
  }
  proof.entry = {hub.kind, hub.identity, hub.topic, Epoch(0), names_.group, names_.source_id, partitions};
  return proof;
}

Result<void> SealsBeginning::begin(const std::string& owner) {
  CV_ASSIGN(const Proof proof, prove());
  Chain chain(parts_.store, parts_.layout.seal_chain());
  CV_ASSIGN(const Slot end, chain.find_end());
  if (end != Slot(0))
    return Error(ErrorCode::kStalePlan, "the seals were begun again meanwhile", chain.key(Slot(0)));
  auto forgotten = parts_.hub.delete_group(names_.group);
  if (!forgotten && forgotten.error().code != ErrorCode::kNotFound) return forgotten;
  const EntryHeader header{owner, parts_.random.nonce(), parts_.clock.now(), kNoPrevious};
  CV_ASSIGN(const Chain::CreateOutcome outcome, chain.create(Slot(0), encode_entry({header, proof.entry})));
  if (outcome == Chain::CreateOutcome::kCreated) return {};
  return Error(ErrorCode::kStalePlan, "the seals were begun again meanwhile", chain.key(Slot(0)));
}

}  // namespace changevault
