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

// What shows that the hub, by its name the same, was set back or made again; empty where nothing does.
Result<std::string> find_replacement(const Archiver::Parts& parts, const Sealer& sealer) {
  const HubEntry& known = sealer.hub();
  const RecordIdentity identity{known.source_id, known.identity, known.epoch};
  RecordBuilder builder(identity);
  for (std::int32_t p = 0; p < known.partitions; ++p) {
    const PartitionId partition(p);
    Chain chain(parts.store, parts.layout.partition_chain(partition));
    CV_ASSIGN(const ResumePoint resume, read_resume_point(chain, sealer.promised_end(partition)));
    if (!resume.next || resume.epoch != known.epoch) continue;
    CV_ASSIGN(const HubComparison found, compare_with_hub(parts.hub, builder, identity, partition, resume));
    // Overtaken or set back: where the last event archived is gone, only the operator can say which of the
    // two.
    if (found.fit != HubFit::kSame) return found.what;
  }
  return std::string();
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
    CV_ASSIGN(const std::string replaced, find_replacement(parts, sealer));
    if (!replaced.empty()) return begin_epoch(parts, hub, sealer);
    return Error(ErrorCode::kUsage,
                 "the hub is the one that the archive belongs to: there is no new epoch to begin",
                 parts.hub.url(), "leave --new-epoch away");
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
