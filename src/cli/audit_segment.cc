#include "cli/audit_segment.h"

#include <algorithm>

#include "archive/chain.h"
#include "archive/ledger_walk.h"
#include "base/hash.h"
#include "cli/text.h"
#include "codec/json.h"
#include "store/object_source.h"

namespace changevault {
namespace {

const ListedSegment* find_listed(const Catalog& catalog, const std::string& key) {
  if (const ListedSegment* const found = catalog.find(key)) return found;
  for (const auto* const list : {&catalog.segments(), &catalog.dead_letters()}) {
    for (const ListedSegment& segment : *list) {
      if (segment.facts.key.ends_with("/" + key)) return &segment;
    }
  }
  return nullptr;
}

bool names(const SealEntry& seal, const SegmentFacts& facts) {
  const auto same = [&](const SealedSegment& sealed) {
    return sealed.key == facts.key && sealed.sha256 == facts.sha256;
  };
  for (const SealedCell& cell : seal.cells) {
    if (cell.hour == facts.hour && std::any_of(cell.segments.begin(), cell.segments.end(), same)) return true;
  }
  for (const SealedDeadLetters& letters : seal.dead_letters) {
    if (letters.hour == facts.hour && std::any_of(letters.objects.begin(), letters.objects.end(), same))
      return true;
  }
  return false;
}

// The n-th seal stands at slot n + 1 or, behind later hub slots, a little further.
Result<Slot> slot_of(Context& context, const SealEntry& seal, std::size_t number) {
  CV_ASSIGN(ObjectStore* const store, context.parts.store());
  Chain chain(*store, context.parts.layout().seal_chain());
  for (Slot slot(static_cast<std::int64_t>(number) + 1);; slot = slot.next()) {
    CV_ASSIGN(const WalkedEntry walked, read_entry(chain, slot));
    const auto* const entry = std::get_if<SealEntry>(&walked.entry.body);
    if (entry != nullptr && entry->from == seal.from) return slot;
  }
}

Result<std::optional<SegmentTrail::Seal>> seal_of(Context& context, const Catalog& catalog,
                                                  const SegmentFacts& facts) {
  const std::vector<SealEntry>& seals = catalog.seals();
  for (std::size_t i = 0; i < seals.size(); ++i) {
    if (facts.hour < seals[i].from || seals[i].to <= facts.hour) continue;
    CV_ASSIGN(const Slot slot, slot_of(context, seals[i], i));
    return std::optional(SegmentTrail::Seal{slot, seals[i].from, seals[i].to, names(seals[i], facts)});
  }
  return std::optional<SegmentTrail::Seal>();
}

// Hashes what stands in the store; false where nothing does.
Result<bool> read_object(ObjectStore& store, SegmentTrail& trail) {
  Hasher hasher(Hasher::Kind::kSha256);
  ObjectSource source(store, trail.key, [&](std::string_view piece) {
    hasher.update(piece);
    trail.bytes += static_cast<std::int64_t>(piece.size());
  });
  std::vector<char> buffer(std::size_t{1} << 20);
  while (true) {
    const Result<std::size_t> got = source.read(buffer);
    if (!got && got.error().code == ErrorCode::kNotFound) return false;
    if (!got) return got.error();
    if (*got == 0) break;
  }
  trail.sha256 = hasher.finish_hex();
  return true;
}

}  // namespace

Result<SegmentTrail> trail_of_segment(Context& context, const Catalog& catalog, const std::string& key) {
  CV_ASSIGN(ObjectStore* const store, context.parts.store());
  SegmentTrail trail;
  const ListedSegment* const listed = find_listed(catalog, key);
  trail.key = listed == nullptr ? key : listed->facts.key;
  if (listed != nullptr) {
    trail.listed = *listed;
    CV_ASSIGN(trail.seal, seal_of(context, catalog, listed->facts));
  }
  CV_ASSIGN(const bool there, read_object(*store, trail));
  if (!there && listed == nullptr) {
    return Error(ErrorCode::kIndeterminate, "nothing is known about this segment", key,
                 "give its name or whole key as ls prints it");
  }
  const std::string hint = "'changevault verify' names all that is damaged";
  if (!there) {
    trail.damage = Error(ErrorCode::kCorrupt, "a segment that the ledger lists is gone", trail.key, hint);
  } else if (listed != nullptr && trail.sha256 != listed->facts.sha256) {
    trail.damage =
        Error(ErrorCode::kCorrupt, "the object's sha256 is not what the ledger says", trail.key, hint);
  }
  return trail;
}

Json to_json(const SegmentTrail& trail) {
  Json json = {{"key", trail.key}, {"listed", nullptr}, {"sealed", nullptr}, {"store", nullptr}};
  if (trail.listed) {
    const SegmentFacts& facts = trail.listed->facts;
    json["listed"] = {{"partition", facts.partition.value},
                      {"slot", trail.listed->slot.value},
                      {"time", to_rfc3339(trail.listed->listed_at)},
                      {"epoch", trail.listed->epoch.value},
                      {"database", facts.ns.database},
                      {"collection", facts.ns.collection},
                      {"hour", to_string(facts.hour)},
                      {"records", facts.records},
                      {"first", facts.first.value},
                      {"last", facts.last.value},
                      {"bytes", facts.bytes},
                      {"sha256", facts.sha256}};
  }
  if (trail.seal) {
    json["sealed"] = {{"slot", trail.seal->slot.value},
                      {"from", to_string(trail.seal->from)},
                      {"to", to_string(trail.seal->to)},
                      {"agrees", trail.seal->agrees}};
  }
  if (!trail.sha256.empty())
    json["store"] = {{"bytes", trail.bytes}, {"sha256", trail.sha256}, {"ok", !trail.damage.has_value()}};
  return json;
}

void print(Output& out, const SegmentTrail& trail) {
  out.print("segment    " + printable(trail.key));
  if (!trail.listed) {
    out.print(
        "listed     no: an object that no ledger slot lists is not archived (a leftover, or somebody "
        "else's)");
  } else {
    const SegmentFacts& facts = trail.listed->facts;
    out.print("listed     partition " + to_string(facts.partition) + ", slot " +
              std::to_string(trail.listed->slot.value) + ", " + human_time(trail.listed->listed_at) + " UTC");
    out.print("           " + counted(facts.records, "record") + ", sequence " +
              std::to_string(facts.first.value) + " to " + std::to_string(facts.last.value) + ", " +
              human_bytes(facts.bytes));
    if (trail.seal) {
      out.print("sealed     slot " + std::to_string(trail.seal->slot.value) + ", hours " +
                human_time(trail.seal->from.start()).substr(0, 16) + " to " +
                human_time(trail.seal->to.start()).substr(0, 16) +
                (trail.seal->agrees ? "" : out.paint(Color::kRed, ": the seal names other bytes")));
    } else {
      out.print("sealed     not yet");
    }
  }
  if (trail.damage) {
    out.print("store      " + out.paint(Color::kRed, printable(trail.damage->to_string())));
  } else {
    out.print("store      " + human_bytes(trail.bytes) + ", sha256 " + trail.sha256 +
              (trail.listed ? out.paint(Color::kGreen, " as listed") : std::string()));
  }
}

}  // namespace changevault
