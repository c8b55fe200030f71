// Gaps that somebody looked at and accepted: a chain of create-only slots below `_ledger/acks/`
// (docs/formats/ack.md).
//
// The problem: an accepted gap must stop being red, and must never hide a loss that comes after it.
//
// Invariants:
//  - An acknowledgement is of what was seen: the numbers of the cell and the digests of both sides. A cell of
//  which
//    any of these is another now is not acknowledged, whatever changed it.
//  - Nothing is overwritten or deleted: taking back is a further slot.
//  - Damage never makes a gap green. A slot that is gone or damaged may have been the taking back of any
//    acknowledgement before it, so only those behind the last damage count.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "archive/chain.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "recovery/coverage.h"
#include "recovery/plan.h"
#include "store/key_layout.h"

namespace changevault {

// An accepted gap: what it was called, and what it was made of.
struct AcknowledgedCell {
  Hour hour;
  Namespace ns;
  GapState state = GapState::kMissing;
  CellEvidence evidence;
  bool operator==(const AcknowledgedCell&) const = default;
};

struct Acknowledgement {
  Actor actor;
  std::string reason;
  std::string scope;  // in words
  std::vector<AcknowledgedCell> cells;
  bool operator==(const Acknowledgement&) const = default;
};

struct TakenBack {
  Actor actor;
  std::string reason;  // may be empty
  Slot ack{};
  bool operator==(const TakenBack&) const = default;
};

struct AckEntry {
  std::string owner;
  std::string nonce;
  Timestamp time{};
  std::string previous;  // sha256 of the bytes of the slot before
  std::variant<Acknowledgement, TakenBack> body;
  bool operator==(const AckEntry&) const = default;
};

std::string encode_ack(const AckEntry& entry);
// kCorrupt (naming `object`) for bytes that are no entry; kUsage for one of a newer version.
Result<AckEntry> decode_ack(std::string_view bytes, const std::string& object);

// Most cells of one entry; a wider acknowledgement is written as several.
inline constexpr std::size_t kAckCells = 10'000;

// A snapshot of the chain. Immutable.
class Acks {
 public:
  struct Given {
    Slot id{};
    Timestamp time{};
    Acknowledgement what;
    std::optional<TakenBack> taken_back;
    Timestamp taken_back_at{};
    bool counts = false;  // not taken back, and nothing from it on is damaged
  };

  // Damage is a value (`damage`), not an error; errors are what the store says.
  static Result<Acks> read(ObjectStore& store, const KeyLayout& layout);

  const std::vector<Given>& given() const { return given_; }  // oldest first
  const Given* find(Slot id) const;
  // One for each slot that is gone or not what it says: kCorrupt or kUsage, the object is its key.
  const std::vector<Error>& damage() const { return damage_; }

  // The newest that counts and saw exactly this; nullptr: the gap is not acknowledged.
  const Given* holding(Hour hour, const Namespace& ns, const CellEvidence& evidence) const;
  // Cells under acknowledgements that count, each once. Whether they still are what was seen only a
  // comparison tells.
  std::int64_t cells() const { return static_cast<std::int64_t>(index_.size()); }

  Slot end() const { return end_; }
  const std::string& tip() const { return tip_; }  // sha256 of the slot before `end`

 private:
  void settle(Slot last_damage);

  std::vector<Given> given_;
  std::vector<Error> damage_;
  std::map<std::pair<Hour, Namespace>, std::vector<std::pair<std::size_t, std::size_t>>> index_;
  Slot end_{};
  std::string tip_ = kNoPrevious;
};

struct AckWriter {
  ObjectStore& store;
  const KeyLayout& layout;
  Clock& clock;
  Random& random;
  std::string owner;

  // The slots written, one for each kAckCells cells. Errors: kUsage without cells or reason; what the store
  // says (then a slot may have been written all the same: read the chain).
  Result<std::vector<Slot>> acknowledge(const Acknowledgement& what);
  // kNotFound where there is no such acknowledgement; kUsage where it was taken back before.
  Result<Slot> take_back(const TakenBack& what);

 private:
  Result<Slot> append(std::variant<Acknowledgement, TakenBack> body);
};

}  // namespace changevault
