#include <fmt/core.h>

#include "archive/adoption.h"
#include "archive/archive_identity.h"
#include "archive/archiver.h"
#include "archive/chain.h"
#include "archive/ledger_walk.h"
#include "hub/hub_checks.h"

namespace changevault {
namespace {

Result<void> check_same(const HubEntry& standing, const HubEntry& wanted, const std::string& key) {
  if (standing.identity != wanted.identity) {
    return Error(ErrorCode::kUsage,
                 fmt::format("there is an archive of another hub already ({} '{}')", standing.hub_kind,
                             standing.topic),
                 key,
                 "choose another store.root for this hub, or point hub.url at the hub that this archive "
                 "belongs to; where "
                 "this one took its place: changevault archive --new-epoch");
  }
  if (standing.group != wanted.group) {
    return Error(
        ErrorCode::kUsage,
        fmt::format("the archive is written by the group '{}', not by '{}'", standing.group, wanted.group),
        key,
        fmt::format("set hub.group to '{}', or begin another archive in another store.root", standing.group));
  }
  return {};
}

// The newest `hub` entry says whose archive it is now.
Result<void> check_newest(Chain& chain, const HubEntry& wanted) {
  CV_ASSIGN(const Slot end, chain.find_end());
  for (Slot slot = end.previous(); slot >= Slot(0); slot = slot.previous()) {
    CV_ASSIGN(const WalkedEntry walked, read_entry(chain, slot));
    // A seal names it; one of an older program does not.
    const auto* seal = std::get_if<SealEntry>(&walked.entry.body);
    if (seal != nullptr && seal->hub && *seal->hub < slot) slot = seal->hub->next();
    if (const auto* standing = std::get_if<HubEntry>(&walked.entry.body))
      return check_same(*standing, wanted, walked.key);
  }
  return Error(ErrorCode::kCorrupt, "no entry of the seals says which hub the archive belongs to",
               chain.key(Slot(0)));
}

// A group that works for another archive would not work for this one.
Result<void> check_group(const Archiver::Parts& parts, const ArchiverOptions& options,
                         const GroupOwner& archive) {
  const Result<GroupDescription> group = parts.hub.describe_group(options.group);
  if (!group && group.error().code == ErrorCode::kNotFound) return {};
  CV_TRY(group);
  return check_owner(options.group, group->owner, archive, parts.hub.url());
}

// Objects are named by partition and position: an archiver must never want the name of an adopted file.
Result<void> check_adopted(const Archiver::Parts& parts) {
  CV_ASSIGN(const std::string key, adopted_name_of_ours(parts.store, parts.layout));
  if (key.empty()) return {};
  return Error(ErrorCode::kUsage, "files under names of this program's own were adopted here", key,
               "choose another store.root for the new archive; this one stays readable as it is");
}

HubEntry entry_for(const HubDescription& hub, const ArchiverOptions& options) {
  return {hub.kind, hub.identity, hub.topic, Epoch(0), options.group, options.source_id, hub.partitions};
}

}  // namespace

Result<void> check_archive(const Archiver::Parts& parts, const ArchiverOptions& options) {
  CV_ASSIGN(const HubDescription hub, parts.hub.describe());
  Chain chain(parts.store, parts.layout.seal_chain());
  CV_ASSIGN(const Slot end, chain.find_end());
  if (end == Slot(0)) {
    const GroupOwner none_yet{"new", parts.store.url() + "/" + parts.layout.root()};
    return check_group(parts, options, none_yet);
  }
  CV_TRY(check_newest(chain, entry_for(hub, options)));
  CV_ASSIGN(const WalkedEntry first, read_entry(chain, Slot(0)));
  return check_group(parts, options, owner_of(parts, first));
}

Result<void> init_archive(const Archiver::Parts& parts, const ArchiverOptions& options) {
  CV_TRY(check_archive(parts, options));
  CV_ASSIGN(const HubDescription hub, parts.hub.describe());
  const HubEntry entry = entry_for(hub, options);
  Chain chain(parts.store, parts.layout.seal_chain());
  CV_ASSIGN(const Slot end, chain.find_end());
  if (end == Slot(0)) {
    CV_TRY(check_adopted(parts));
    const EntryHeader header{options.owner, parts.random.nonce(), parts.clock.now(), kNoPrevious};
    CV_ASSIGN(const Chain::CreateOutcome outcome, chain.create(Slot(0), encode_entry({header, entry})));
    if (outcome == Chain::CreateOutcome::kCreated) return {};
  }
  return check_newest(chain, entry);
}

}  // namespace changevault
