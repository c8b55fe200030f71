#include "archive/sealer.h"

#include <algorithm>
#include <set>
#include <utility>

#include "archive/archive_identity.h"
#include "archive/ledger_problem.h"
#include "archive/ledger_walk.h"
#include "archive/seal_content.h"
#include "base/hash.h"

namespace changevault {
namespace {

// Of a loss that no commit stands before: earlier than any event.
constexpr Timestamp kNoWatermark{-(std::int64_t{1} << 50)};

std::optional<Timestamp> least_watermark(const SealInputs& inputs) {
  std::optional<Timestamp> least;
  for (const auto& [partition, entries] : inputs) {
    if (entries.empty()) return std::nullopt;
    const Timestamp reached = entries.back().watermark;
    least = least ? std::min(*least, reached) : reached;
  }
  return least;
}

template <typename Each>
void for_each_object_in(const SealInputs& inputs, Each&& each) {
  for (const auto& [partition, entries] : inputs) {
    for (const SealInput& input : entries) {
      for (const SegmentFacts& facts : input.segments) each(facts, false);
      for (const SegmentFacts& facts : input.dead_letters) each(facts, true);
    }
  }
}

std::optional<Hour> smallest_hour(const SealInputs& inputs) {
  std::optional<Hour> smallest;
  for_each_object_in(inputs, [&](const SegmentFacts& facts, bool) {
    smallest = smallest ? std::min(*smallest, facts.hour) : facts.hour;
  });
  return smallest;
}

// The end of the hours that fit into one seal: all up to `limit`, or as many as have `most_cells` cells, at
// least one.
Hour end_of_seal(const SealInputs& inputs, Hour from, Hour limit, std::size_t most_cells) {
  std::map<Hour, std::set<Namespace>> cells;
  for_each_object_in(inputs, [&](const SegmentFacts& facts, bool) {
    if (from <= facts.hour && facts.hour < limit) cells[facts.hour].insert(facts.ns);
  });
  std::size_t sum = 0;
  for (const auto& [hour, names] : cells) {
    sum += names.size();
    if (sum > most_cells && hour > from) return hour;
  }
  return limit;
}

bool touches(const LostEntry& lost, Hour from, Hour to) {
  // A loss whose times nobody knows touches every hour.
  return (!lost.from || *lost.from < to.start()) && (!lost.to || from.start() <= *lost.to);
}

// Where reading begins nothing read before says what the slot must follow from.
Result<WalkedEntry> read_first(Chain& chain, Slot slot) {
  BackwardWalk walk(chain, slot.next());
  CV_ASSIGN(auto walked, walk.next());
  return std::move(*walked);
}

std::vector<SealedLoss> losses(const SealInputs& inputs, const std::vector<OpenLoss>& open, Hour from,
                               Hour to) {
  std::set<std::pair<PartitionId, Slot>> places;
  for (const OpenLoss& loss : open) {
    if (touches(loss.entry, from, to)) places.insert({loss.place.partition, loss.place.slot});
  }
  for (const auto& [partition, entries] : inputs) {
    for (const SealInput& input : entries) {
      if (input.lost && touches(*input.lost, from, to)) places.insert({partition, input.slot});
    }
  }
  std::vector<SealedLoss> out;
  for (const auto& [partition, slot] : places) out.push_back({partition, slot});
  return out;
}

}  // namespace

std::optional<SealEntry> next_seal(const SealInputs& inputs, std::optional<Hour> from,
                                   const std::vector<OpenLoss>& open_losses, std::size_t most_cells) {
  const auto watermark = least_watermark(inputs);
  const auto begin = from ? from : smallest_hour(inputs);
  if (!watermark || !begin || hour_of(*watermark) <= *begin) return std::nullopt;

  SealEntry seal;
  seal.from = *begin;
  seal.to = end_of_seal(inputs, *begin, hour_of(*watermark), most_cells);
  SealContent content(seal.from, seal.to);
  for_each_object_in(inputs, [&](const SegmentFacts& facts, bool dead_letter) {
    dead_letter ? content.add_dead_letters(facts) : content.add_segment(facts);
  });
  seal.cells = content.take_cells();
  seal.dead_letters = content.take_dead_letters();
  seal.lost = losses(inputs, open_losses, seal.from, seal.to);
  for (const auto& [partition, entries] : inputs) {
    const auto through = std::find_if(entries.begin(), entries.end(), [&](const SealInput& input) {
      return input.watermark >= seal.to.start();
    });
    seal.through[partition] = through->slot;
  }
  return seal;
}

Sealer::Sealer(ArchiveContext& context)
    : context_(context),
      chain_(context.parts.store, context.parts.layout.seal_chain()),
      previous_sha_(kNoPrevious) {}

Result<void> Sealer::open() {
  CV_ASSIGN(const Slot end, chain_.find_end());
  if (end == Slot(0)) {
    CV_ASSIGN(const auto chains, partition_chains(context_.parts.store, context_.parts.layout));
    if (!chains.empty()) return seals_gone(context_.parts.layout);
    return Error(ErrorCode::kUsage, "there is no archive here yet",
                 context_.parts.store.url() + "/" + context_.parts.layout.root(),
                 "run 'changevault init' first; if there should be one, check store.url and store.root");
  }
  CV_ASSIGN(const WalkedEntry first, read_entry(chain_, Slot(0)));
  const auto* hub = std::get_if<HubEntry>(&first.entry.body);
  if (hub == nullptr)
    return Error(ErrorCode::kCorrupt, "the first entry of the seals is not the hub's", first.key);
  first_partitions_ = hub->partitions;
  owner_ = owner_of(context_.parts, first);
  return read_end(end);
}

// Backwards to the newest seal; what stands behind it are `hub` entries, few if any.
Result<void> Sealer::read_end(Slot end) {
  std::vector<WalkedEntry> newest;
  BackwardWalk walk(chain_, end);
  while (newest.empty() || !std::holds_alternative<SealEntry>(newest.back().entry.body)) {
    CV_ASSIGN(std::optional<WalkedEntry> walked, walk.next());
    if (!walked) break;
    newest.push_back(std::move(*walked));
  }
  const auto* seal = std::get_if<SealEntry>(&newest.back().entry.body);
  if (seal != nullptr && !seal->hub) {
    while (end_ < end) CV_TRY(read_slot(end_));
    return {};
  }
  if (seal != nullptr) {
    CV_ASSIGN(const WalkedEntry hub, read_entry(chain_, *seal->hub));
    if (!std::holds_alternative<HubEntry>(hub.entry.body)) {
      return Error(ErrorCode::kCorrupt,
                   "a seal names this slot as the one that says which hub is archived, it is not", hub.key,
                   "run 'changevault verify' to see all that is damaged; nothing was written");
    }
    CV_TRY(take(hub));
  }
  for (auto walked = newest.rbegin(); walked != newest.rend(); ++walked) CV_TRY(take(*walked));
  end_ = end;
  return {};
}

Result<void> Sealer::refresh() {
  while (true) {
    const Result<void> read = read_slot(end_);
    if (read) continue;
    return read.error().code == ErrorCode::kNotFound ? Result<void>() : read;
  }
}

Slot Sealer::promised_end(PartitionId partition) const {
  const auto named = through_.find(partition);
  return named == through_.end() ? Slot(0) : named->second.next();
}

Result<void> Sealer::read_slot(Slot slot) {
  CV_ASSIGN(const WalkedEntry walked, read_entry(chain_, slot));
  if (walked.entry.header.previous != previous_sha_) return slot_rewritten(walked.key);
  CV_TRY(take(walked));
  end_ = slot.next();
  return {};
}

Result<void> Sealer::take(const WalkedEntry& walked) {
  if (const auto* hub = std::get_if<HubEntry>(&walked.entry.body)) {
    if (hub->epoch != hub_.epoch || epoch_began_ == Timestamp{}) epoch_began_ = walked.entry.header.time;
    hub_ = *hub;
    hub_slot_ = walked.slot;
  }
  if (const auto* seal = std::get_if<SealEntry>(&walked.entry.body)) {
    sealed_to_ = seal->to;
    through_ = seal->through;
    sealed_losses_ = seal->lost;
  }
  previous_sha_ = walked.sha256;
  return {};
}

// Of what reaches beyond the newest seal's end, or nobody knows how far.
Result<void> Sealer::read_open_losses() {
  if (!sealed_losses_) return {};
  std::vector<OpenLoss> open;
  for (const SealedLoss& place : *sealed_losses_) {
    Chain chain(context_.parts.store, context_.parts.layout.partition_chain(place.partition));
    Result<WalkedEntry> walked = read_entry(chain, place.slot);
    if (!walked && !is_ledger_damage(walked.error())) return std::move(walked).error();
    auto* lost = walked ? std::get_if<LostEntry>(&walked->entry.body) : nullptr;
    if (lost == nullptr) {
      damage_.insert_or_assign(
          place.partition, walked ? Error(ErrorCode::kCorrupt,
                                          "a seal names this ledger slot as a loss, it is none", walked->key)
                                  : damage_error(std::move(walked).error()));
      return {};
    }
    if (!lost->to || *lost->to >= sealed_to_->start()) open.push_back({place, std::move(*lost)});
  }
  open_losses_ = std::move(open);
  sealed_losses_.reset();
  return {};
}

Result<void> Sealer::seal() {
  while (true) {
    damage_.clear();
    CV_TRY(read_open_losses());
    for (std::int32_t p = 0; p < hub_.partitions; ++p) CV_TRY(follow_partition(PartitionId(p)));
    if (!damage_.empty()) return {};
    auto seal = next_seal(inputs_, sealed_to_, open_losses_);
    if (!seal) return {};
    seal->hub = hub_slot_;
    CV_ASSIGN(const bool ours, write(*seal));
    if (ours) context_.totals.sealed_hours += seal->to.index - seal->from.index;
    forget_sealed();
  }
}

Result<bool> Sealer::write_hub(const HubEntry& hub) {
  CV_TRY(write(hub));
  return hub_ == hub;
}

Result<void> Sealer::follow_partition(PartitionId partition) {
  Result<void> read = read_on(partition);
  if (read || !is_ledger_damage(read.error())) return read;
  damage_.insert_or_assign(partition, damage_error(read.error()));
  // What was read before may have been replaced: it is read again, from the newest seal on.
  inputs_[partition].clear();
  follow_.erase(partition);
  return {};
}

Result<void> Sealer::read_on(PartitionId partition) {
  Chain chain(context_.parts.store, context_.parts.layout.partition_chain(partition));
  const auto named = through_.find(partition);
  const Slot begin = named == through_.end() ? Slot(0) : named->second;
  auto& [next, previous] = follow_.try_emplace(partition, Follow{begin, {}}).first->second;
  auto& inputs = inputs_[partition];
  for (;; next = next.next()) {
    auto walked = previous.empty() ? read_first(chain, next) : read_entry(chain, next);
    if (!walked && walked.error().code == ErrorCode::kNotFound) return {};
    if (!walked) return walked.error();
    if (!previous.empty() && walked->entry.header.previous != previous) return slot_rewritten(walked->key);
    previous = walked->sha256;
    EntryBody& body = walked->entry.body;
    if (auto* commit = std::get_if<CommitEntry>(&body)) {
      for (auto* list : {&commit->segments, &commit->dead_letters}) {
        for (SegmentFacts& facts : *list) facts.blocks.clear();
      }
      inputs.push_back({next, commit->reached, std::move(commit->segments), std::move(commit->dead_letters),
                        std::nullopt});
    } else if (auto* lost = std::get_if<LostEntry>(&body)) {
      const Timestamp before = inputs.empty() ? kNoWatermark : inputs.back().watermark;
      inputs.push_back({next, before, {}, {}, std::move(*lost)});
    }
  }
}

Result<bool> Sealer::write(EntryBody body) {
  const Archiver::Parts& parts = context_.parts;
  const EntryHeader header{context_.options.owner, parts.random.nonce(), parts.clock.now(), previous_sha_};
  const std::string bytes = encode_entry({header, std::move(body)});
  const Slot slot = end_;
  CV_ASSIGN(const Chain::CreateOutcome outcome,
            retry(context_.retry, parts.clock, parts.random, context_.stop,
                  [&] { return chain_.create(slot, bytes); }));
  CV_TRY(read_slot(slot));  // ours, or what another archiver wrote first
  return outcome == Chain::CreateOutcome::kCreated;
}

void Sealer::forget_sealed() {
  if (!sealed_to_) return;
  for (auto& [partition, entries] : inputs_) {
    const auto keep = std::find_if(entries.begin(), entries.end(), [&](const SealInput& input) {
      return input.watermark >= sealed_to_->start();
    });
    entries.erase(entries.begin(), keep);
  }
}

}  // namespace changevault
