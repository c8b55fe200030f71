#include "recovery/acks.h"

#include <algorithm>

#include "base/hash.h"

namespace changevault {
namespace {

// How often somebody else may be quicker before we stop trying.
constexpr int kAttempts = 20;

bool is_damage(const Error& error) {
  return error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kUsage ||
         error.code == ErrorCode::kNotFound;
}

Error gone(const std::string& key) {
  return Error(
      ErrorCode::kCorrupt, "an acknowledgement's slot is gone, later ones exist", key,
      "acknowledgements up to it do not count any more; what is still accepted must be acknowledged again");
}

// Not by the chain's own search for its end: that gives up at a hole, and here what stands behind one still
// counts.
Result<std::vector<Slot>> list_slots(ObjectStore& store, const std::string& folder) {
  std::vector<Slot> slots;
  CV_TRY(for_each_object(store, folder, [&](const ObjectInfo& object) -> Result<void> {
    if (const auto slot = KeyLayout::parse_slot_name(object.key.substr(folder.size())))
      slots.push_back(*slot);
    return {};
  }));
  std::sort(slots.begin(), slots.end());
  return slots;
}

}  // namespace

Result<Acks> Acks::read(ObjectStore& store, const KeyLayout& layout) {
  Chain chain(store, layout.ack_chain());
  CV_ASSIGN(const std::vector<Slot> slots, list_slots(store, chain.folder()));
  Acks acks;
  Slot last_damage(-1);
  std::optional<std::string> previous = kNoPrevious;  // nullopt behind a damaged slot
  const auto damaged = [&](Slot slot, Error error) {
    acks.damage_.push_back(std::move(error));
    last_damage = slot;
    previous.reset();
  };
  for (const Slot slot : slots) {
    const std::string key = chain.key(slot);
    if (slot > acks.end_) damaged(slot.previous(), gone(chain.key(acks.end_)));
    acks.end_ = slot.next();
    Result<StoredSlot> stored = chain.read(slot);
    if (!stored && stored.error().code != ErrorCode::kNotFound) return std::move(stored).error();
    acks.tip_ = stored ? stored->sha256 : std::string(kNoPrevious);
    Result<AckEntry> entry = stored ? decode_ack(stored->bytes, key) : Result<AckEntry>(gone(key));
    if (!entry && !is_damage(entry.error())) return std::move(entry).error();
    if (!entry) {
      damaged(slot, std::move(entry).error());
      continue;
    }
    if (previous && entry->previous != *previous) {
      damaged(slot, Error(ErrorCode::kCorrupt,
                          "an acknowledgement does not name the bytes of the slot before it", key));
      continue;
    }
    previous = stored->sha256;
    if (auto* const what = std::get_if<Acknowledgement>(&entry->body)) {
      acks.given_.push_back({slot, entry->time, std::move(*what), std::nullopt, {}, true});
      continue;
    }
    const TakenBack& back = std::get<TakenBack>(entry->body);
    for (Given& given : acks.given_) {
      if (given.id != back.ack || given.taken_back) continue;
      given.taken_back = back;
      given.taken_back_at = entry->time;
    }
  }
  acks.settle(last_damage);
  return acks;
}

void Acks::settle(Slot last_damage) {
  for (std::size_t at = 0; at < given_.size(); ++at) {
    Given& given = given_[at];
    given.counts = !given.taken_back && given.id > last_damage;
    if (!given.counts) continue;
    for (std::size_t c = 0; c < given.what.cells.size(); ++c)
      index_[{given.what.cells[c].hour, given.what.cells[c].ns}].emplace_back(at, c);
  }
}

const Acks::Given* Acks::find(Slot id) const {
  const auto found =
      std::find_if(given_.begin(), given_.end(), [&](const Given& given) { return given.id == id; });
  return found == given_.end() ? nullptr : &*found;
}

const Acks::Given* Acks::holding(Hour hour, const Namespace& ns, const CellEvidence& evidence) const {
  const auto found = index_.find({hour, ns});
  if (found == index_.end()) return nullptr;
  for (auto place = found->second.rbegin(); place != found->second.rend(); ++place) {
    const Given& given = given_[place->first];
    if (given.what.cells[place->second].evidence == evidence) return &given;
  }
  return nullptr;
}

Result<Slot> AckWriter::append(std::variant<Acknowledgement, TakenBack> body) {
  Chain chain(store, layout.ack_chain());
  AckEntry entry{owner, random.nonce(), clock.now(), {}, std::move(body)};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    CV_ASSIGN(const Acks acks, Acks::read(store, layout));
    entry.previous = acks.tip();
    CV_ASSIGN(const Chain::CreateOutcome outcome, chain.create(acks.end(), encode_ack(entry)));
    if (outcome == Chain::CreateOutcome::kCreated) return acks.end();
  }
  return Error(ErrorCode::kBusy, "others write acknowledgements all the time", chain.folder(), "try again",
               true);
}

Result<std::vector<Slot>> AckWriter::acknowledge(const Acknowledgement& what) {
  if (what.cells.empty() || what.reason.empty())
    return Error(ErrorCode::kUsage, "an acknowledgement needs gaps and a reason", what.scope);
  std::vector<Slot> written;
  for (std::size_t from = 0; from < what.cells.size(); from += kAckCells) {
    Acknowledgement part{what.actor, what.reason, what.scope, {}};
    const std::size_t to = std::min(what.cells.size(), from + kAckCells);
    for (std::size_t c = from; c < to; ++c) part.cells.push_back(what.cells[c]);
    CV_ASSIGN(const Slot slot, append(std::move(part)));
    written.push_back(slot);
  }
  return written;
}

Result<Slot> AckWriter::take_back(const TakenBack& what) {
  CV_ASSIGN(const Acks acks, Acks::read(store, layout));
  const Acks::Given* const given = acks.find(what.ack);
  const std::string id = std::to_string(what.ack.value);
  if (given == nullptr) {
    return Error(ErrorCode::kNotFound, "there is no such acknowledgement", id,
                 "see them all with: changevault ack --list");
  }
  if (given->taken_back) {
    return Error(ErrorCode::kUsage, "this acknowledgement was taken back before", id,
                 "by " + given->taken_back->actor.user + " at " + to_rfc3339_seconds(given->taken_back_at));
  }
  return append(what);
}

}  // namespace changevault
