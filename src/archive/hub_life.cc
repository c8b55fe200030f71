#include "archive/hub_life.h"

#include <utility>

#include <fmt/core.h>

#include "archive/resume_point.h"

namespace changevault {
namespace {

std::string archive_name(const Archiver::Parts& parts) {
  return parts.store.url() + "/" + parts.layout.root();
}

Result<void> check_names(const Archiver::Parts& parts, const ArchiverOptions& options,
                         const HubEntry& known) {
  if (known.group != options.group) {
    return Error(
        ErrorCode::kUsage,
        fmt::format("the archive is written by the group '{}', not by '{}'", known.group, options.group),
        archive_name(parts),
        fmt::format("set hub.group to '{}', or begin another archive in another store.root", known.group));
  }
  if (known.source_id != options.source_id) {
    return Error(
        ErrorCode::kUsage,
        fmt::format("the archive holds the source '{}', not '{}'", known.source_id, options.source_id),
        archive_name(parts),
        fmt::format("set source.id to '{}': event ids are made from it", known.source_id));
  }
  return {};
}

Error fewer_partitions(const Archiver::Parts& parts, const HubDescription& hub, const HubEntry& known) {
  return Error(
      ErrorCode::kValidation,
      fmt::format("the hub has {} partitions, the archive knows {}", hub.partitions, known.partitions),
      archive_name(parts),
      fmt::format("nothing was written. Give the hub at least {} partitions, or begin another archive in "
                  "another store.root",
                  known.partitions));
}

// What speaks for another hub under the name of the one that was archived.
struct HubEvidence {
  std::string replaced;     // what shows it: set back, or another event in the place of the last one archived
  std::string overtaken;    // events that were to come are gone
  bool undecided = false;   // so is the last one archived: set back and overtaken look the same
  bool tail_found = false;  // some partition still holds the last event archived of it
};

Result<HubEvidence> look_for_replacement(const Archiver::Parts& parts, const Sealer& sealer) {
  const HubEntry& known = sealer.hub();
  const RecordIdentity identity{known.source_id, known.identity, known.epoch};
  RecordBuilder builder(identity);
  const OversizeReader bodies(parts.store, parts.layout);
  const ComparedHub compared{parts.hub, bodies, builder, identity};
  HubEvidence out;
  for (std::int32_t p = 0; p < known.partitions; ++p) {
    const PartitionId partition(p);
    Chain chain(parts.store, parts.layout.partition_chain(partition));
    CV_ASSIGN(const ResumePoint resume, read_resume_point(chain, sealer.promised_end(partition)));
    if (!resume.next || resume.epoch != known.epoch) continue;
    CV_ASSIGN(const HubComparison found, compare_with_hub(compared, partition, resume));
    if (found.fit == HubFit::kReplaced && out.replaced.empty()) out.replaced = found.what;
    if (found.fit == HubFit::kOvertaken && out.overtaken.empty()) out.overtaken = found.what;
    out.undecided |= found.fit == HubFit::kOvertaken && resume.tail.has_value();
    out.tail_found |= found.tail_found;
  }
  return out;
}

// A new epoch reads the hub from its oldest event: of the hub that was archived it would list events twice.
// Where nothing shows which of the two it is, only the operator can say.
bool may_be_another(const HubEvidence& evidence) {
  return !evidence.replaced.empty() || (evidence.undecided && !evidence.tail_found);
}

Error same_hub(const Archiver::Parts& parts, const HubEvidence& evidence) {
  std::string hint = "leave --new-epoch away";
  if (!evidence.overtaken.empty())
    hint =
        evidence.overtaken + ": record them as lost, without --new-epoch: changevault archive --accept-loss";
  return Error(ErrorCode::kUsage,
               "the hub is the one that the archive belongs to: there is no new epoch to begin",
               parts.hub.url(), std::move(hint));
}

Result<void> begin_epoch(const Archiver::Parts& parts, const HubDescription& hub, Sealer& sealer) {
  const HubEntry known = sealer.hub();
  if (hub.partitions < known.partitions) return fewer_partitions(parts, hub, known);
  const HubEntry next{hub.kind,    hub.identity,    hub.topic,     known.epoch.next(),
                      known.group, known.source_id, hub.partitions};
  CV_ASSIGN(const bool written, sealer.write_hub(next));
  if (written) return {};
  return Error(ErrorCode::kFenced, "another archiver has written to the seals meanwhile", archive_name(parts),
               "run the command again");
}

}  // namespace

Result<void> settle_hub(const Archiver::Parts& parts, const ArchiverOptions& options, Sealer& sealer) {
  CV_ASSIGN(const HubDescription hub, parts.hub.describe());
  CV_TRY(check_names(parts, options, sealer.hub()));
  const bool same = sealer.hub().identity == hub.identity;
  if (options.new_epoch) {
    if (!same) return begin_epoch(parts, hub, sealer);
    CV_ASSIGN(const HubEvidence evidence, look_for_replacement(parts, sealer));
    if (may_be_another(evidence)) return begin_epoch(parts, hub, sealer);
    return same_hub(parts, evidence);
  }
  if (!same) {
    return Error(
        ErrorCode::kValidation, fmt::format("the archive belongs to another hub than {}", parts.hub.url()),
        archive_name(parts),
        "nothing was written. If hub.url or store.root is wrong, correct it; if the hub was made again and "
        "takes the old one's place, say so: changevault archive --new-epoch");
  }
  if (hub.partitions < sealer.hub().partitions) return fewer_partitions(parts, hub, sealer.hub());
  return add_partitions(parts, sealer);
}

Result<void> add_partitions(const Archiver::Parts& parts, Sealer& sealer) {
  CV_ASSIGN(const HubDescription hub, parts.hub.describe());
  // Another archiver may write the same, or a seal, first: then what it wrote was read, and we look again.
  while (sealer.hub().partitions < hub.partitions && sealer.hub().identity == hub.identity) {
    HubEntry next = sealer.hub();
    next.partitions = hub.partitions;
    CV_TRY(sealer.write_hub(next));
  }
  return {};
}

}  // namespace changevault
