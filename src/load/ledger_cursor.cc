#include "load/ledger_cursor.h"

#include <algorithm>

#include "archive/chain_reader.h"

namespace changevault {
namespace {

ListedSlot listed(const CommitEntry& commit, PartitionId partition, Slot slot) {
  ListedSlot out{commit.segments.front().hour, partition, slot, 0, 0};
  for (const SegmentFacts& facts : commit.segments) {
    out.first_hour = std::min(out.first_hour, facts.hour);
    ++out.segments;
    out.digest += EventId::of_text(facts.sha256).high;
  }
  return out;
}

}  // namespace

Result<void> LedgerCursor::follow() {
  CV_TRY(find_partitions());
  for (auto& [id, partition] : partitions_) CV_TRY(follow(id, partition));
  return {};
}

// Partitions may join at any time.
Result<void> LedgerCursor::find_partitions() {
  if (partitions_.empty()) {
    const Result<ObjectInfo> first = store_.head(layout_.seal_chain() + KeyLayout::slot_name(Slot(0)));
    if (!first && first.error().code == ErrorCode::kNotFound) {
      return Error(ErrorCode::kNotFound, "there is no archive here yet", store_.url() + "/" + layout_.root(),
                   "'changevault init' makes one; if there should be one, check store.url and store.root");
    }
    if (!first) return first.error();
  }
  const std::string prefix = layout_.ledger_prefix();
  std::string continuation;
  do {
    CV_ASSIGN(ListPage page, store_.list(prefix, '/', continuation));
    for (const std::string& folder : page.prefixes) {
      const auto name = std::string_view(folder).substr(prefix.size(), folder.size() - prefix.size() - 1);
      if (const auto id = KeyLayout::parse_partition_folder(name)) partitions_.try_emplace(*id, *id);
    }
    continuation = std::move(page.next);
  } while (!continuation.empty());
  return {};
}

Result<void> LedgerCursor::follow(PartitionId id, Partition& partition) {
  const std::string folder = layout_.partition_chain(id);
  CV_ASSIGN(const Slot end, Chain(store_, folder).find_end(partition.next));
  return walk_slots(store_, folder, {partition.next, end}, partition.previous,
                    [&](const WalkedEntry& walked) -> Result<void> {
                      CV_TRY(partition.fold.add(walked));
                      partition.next = walked.slot.next();
                      const auto* commit = std::get_if<CommitEntry>(&walked.entry.body);
                      if (commit != nullptr && !commit->segments.empty()) {
                        slots_.push_back(listed(*commit, id, walked.slot));
                      }
                      return {};
                    });
}

Result<std::vector<ListedRef>> LedgerCursor::segments_of(const ListedSlot& slot) {
  Chain chain(store_, layout_.partition_chain(slot.partition));
  CV_ASSIGN(const WalkedEntry walked, read_entry(chain, slot.slot));
  const auto* commit = std::get_if<CommitEntry>(&walked.entry.body);
  if (commit == nullptr || commit->segments.empty() || listed(*commit, slot.partition, slot.slot) != slot) {
    return Error(ErrorCode::kCorrupt, "a ledger slot has changed since it was read", walked.key,
                 "run 'changevault verify' to see all that is damaged");
  }
  std::vector<ListedRef> out;
  for (const SegmentFacts& facts : commit->segments) {
    out.push_back({{facts.key, facts.sha256, facts.partition, slot.slot, facts.records},
                   facts.hour,
                   facts.first,
                   facts.text_bytes});
  }
  return out;
}

}  // namespace changevault
