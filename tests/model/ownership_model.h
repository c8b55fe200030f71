// The rules of DESIGN §2.4 for one partition as a state machine small enough to try every interleaving:
// claim, upload, commit, lost answers, crashes, and somebody who removes leftovers meanwhile.
//
// What stands in the store: the slots of the chain and the objects. What is in memory: of each owner where it
// read the end, what it claimed and what it uploaded; of the one who cleans up which object it has decided to
// delete. Events are numbers from 0; the hub keeps all of them. Every step is one request to the store, or
// one reading of the chain, which is right to take for one instant: slots are never changed.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <fmt/core.h>

namespace changevault::model {

inline constexpr int kOwners = 3;
inline constexpr int kNobody = -1;

// A rule that is broken, to see that the search finds what comes of it.
enum class Broken {
  kNone,
  kAdoptObjects,      // an owner lists what another has uploaded
  kDeleteOwned,       // leftovers of the newest claim are deleted too
  kDeleteBeyondEnd,   // what lies behind the last event listed is taken for rubbish
  kOverwriteSlots,    // slots are written whether they are there or not
  kCommitMovesOn,     // refused at its slot, an owner writes its commit into the next one
  kResumeFromMemory,  // who is fenced claims again, and goes on where it was
};

struct Limits {
  int events = 3;
  int slots = 6;
  int crashes = 2;
  int lost_answers = 1;
  // The program's clause beyond DESIGN's rule: a leftover whose events no slot covers is kept.
  bool keep_what_is_not_archived = true;
};

struct ObjectName {
  std::int8_t claim = 0;
  std::int8_t first = 0;
  std::int8_t last = 0;
  auto operator<=>(const ObjectName&) const = default;
};

struct ModelSlot {
  bool is_claim = true;
  std::int8_t writer = 0;  // owner and life: what a nonce tells
  std::int8_t next = 0;    // of a claim: where it goes on
  ObjectName object;       // of a commit
  bool operator==(const ModelSlot&) const = default;
};

enum class Phase : std::int8_t { kIdle, kRead, kOwns, kUploaded };

struct Owner {
  Phase phase = Phase::kIdle;
  std::int8_t life = 0;   // crashes so far
  std::int8_t slot = 0;   // where its next entry goes
  std::int8_t claim = 0;  // its claim's slot
  std::int8_t next = 0;   // the first event that it has not listed
  ObjectName object;      // uploaded, to be listed
  bool operator==(const Owner&) const = default;
};

struct State {
  std::vector<ModelSlot> chain;
  std::vector<ObjectName> objects;  // ordered
  Owner owners[kOwners];
  std::optional<ObjectName> condemned;  // decided, not deleted yet
  std::int8_t crashes = 0;
  std::int8_t lost_answers = 0;

  // Equal for states that differ in nothing but the owners' names, and for no others.
  std::string key() const {
    std::array<int, kOwners> order{0, 1, 2};
    std::string least = key_with(order);
    while (std::next_permutation(order.begin(), order.end())) least = std::min(least, key_with(order));
    return least;
  }

 private:
  // `order`: new names of the owners.
  std::string key_with(const std::array<int, kOwners>& order) const {
    std::string out;
    const auto put = [&](int value) { out += static_cast<char>(value + 1); };
    const auto name = [&](const ObjectName& o) { put(o.claim), put(o.first), put(o.last); };
    put(static_cast<int>(chain.size()));
    for (const ModelSlot& s : chain) {
      put(s.is_claim), put(order[s.writer % kOwners] + kOwners * (s.writer / kOwners)), put(s.next);
      name(s.object);
    }
    put(static_cast<int>(objects.size()));
    for (const ObjectName& o : objects) name(o);
    for (int wanted = 0; wanted < kOwners; ++wanted) {
      const Owner& o = owners[std::find(order.begin(), order.end(), wanted) - order.begin()];
      put(static_cast<int>(o.phase)), put(o.life), put(o.slot), put(o.claim), put(o.next);
      name(o.object);
    }
    put(condemned.has_value());
    name(condemned.value_or(ObjectName{}));
    put(crashes), put(lost_answers);
    return out;
  }
};

enum class Action : std::int8_t {
  kReadEnd,  // of the chain, and where the last entry says to go on
  kClaim,
  kUpload,  // the events next..last
  kCommit,
  kLoseAnswer,  // of a claim or commit: it takes effect, its writer is told of a failure
  kCrash,
  kCondemn,  // decides of an object, by the chain as it is now
  kDelete,
};

struct Step {
  Action action{};
  std::int8_t owner = kNobody;
  std::int8_t last = 0;  // of kUpload
  ObjectName object;     // of kCondemn
};

inline std::string to_string(const Step& step) {
  static constexpr const char* kNames[] = {
      "reads the end", "claims",       "uploads up to", "commits", "writes, the answer is lost",
      "crashes",       "is condemned", "is deleted"};
  std::string out = step.owner == kNobody ? "object" : fmt::format("owner {}", step.owner);
  out += std::string(" ") + kNames[static_cast<int>(step.action)];
  if (step.action == Action::kUpload) out += fmt::format(" {}", step.last);
  if (step.action == Action::kCondemn)
    out += fmt::format(" c{} {}-{}", step.object.claim, step.object.first, step.object.last);
  return out;
}

// --- the rules, one function each ---

// Where the chain says to go on: behind its last commit.
inline std::int8_t next_event(const std::vector<ModelSlot>& chain) {
  for (auto slot = chain.rbegin(); slot != chain.rend(); ++slot) {
    if (!slot->is_claim) return static_cast<std::int8_t>(slot->object.last + 1);
  }
  return 0;
}

inline std::int8_t newest_claim(const std::vector<ModelSlot>& chain) {
  for (std::size_t i = chain.size(); i-- > 0;) {
    if (chain[i].is_claim) return static_cast<std::int8_t>(i);
  }
  return kNobody;
}

inline bool is_listed(const std::vector<ModelSlot>& chain, const ObjectName& object, int before) {
  for (int i = 0; i < before; ++i) {
    if (!chain[static_cast<std::size_t>(i)].is_claim && chain[static_cast<std::size_t>(i)].object == object)
      return true;
  }
  return false;
}

// "An object may be deleted only if its claim slot is below the newest claim of its partition and no slot
// before that newest claim lists it."
inline bool may_be_deleted(const State& state, const ObjectName& object, Broken broken,
                           const Limits& limits) {
  const int newest = newest_claim(state.chain);
  const int size = static_cast<int>(state.chain.size());
  if (broken == Broken::kDeleteBeyondEnd)
    return object.first >= next_event(state.chain) && !is_listed(state.chain, object, size);
  if (broken == Broken::kDeleteOwned) return object.claim <= newest && !is_listed(state.chain, object, size);
  if (object.claim >= newest || is_listed(state.chain, object, newest)) return false;
  return !limits.keep_what_is_not_archived || object.last < next_event(state.chain);
}

inline std::int8_t writer_of(int owner, const Owner& o) {
  return static_cast<std::int8_t>(owner + kOwners * o.life);
}

// What a writer is told of its slot.
enum class Written { kOurs, kTaken };

// "The slot exists → read it; our nonce → it was our own lost answer, success; else we lost the race."
inline Written write_slot(State& state, std::int8_t at, const ModelSlot& slot, Broken broken) {
  const auto place = static_cast<std::size_t>(at);
  if (place == state.chain.size()) {
    state.chain.push_back(slot);
    return Written::kOurs;
  }
  if (state.chain[place] == slot) return Written::kOurs;
  if (broken != Broken::kOverwriteSlots) return Written::kTaken;
  state.chain[place] = slot;
  return Written::kOurs;
}

inline ModelSlot entry_of(int owner, const Owner& o) {
  if (o.phase == Phase::kRead) return {true, writer_of(owner, o), o.next, {}};
  return {false, writer_of(owner, o), 0, o.object};
}

// What an owner does when its slot is written, or another's stands there.
inline void after_write(Owner& o, Written written, Broken broken) {
  if (written == Written::kTaken && broken == Broken::kCommitMovesOn && o.phase == Phase::kUploaded) {
    ++o.slot;
    return;
  }
  if (written == Written::kTaken) {
    const std::int8_t memory = o.next;
    const std::int8_t life = o.life;
    o = {};
    o.life = life;
    if (broken == Broken::kResumeFromMemory) o.next = memory;
    return;
  }
  if (o.phase == Phase::kRead) {
    o.claim = o.slot;
    o.phase = Phase::kOwns;
  } else {
    o.next = static_cast<std::int8_t>(o.object.last + 1);
    o.object = {};
    o.phase = Phase::kOwns;
  }
  ++o.slot;
}

inline void add_object(State& state, const ObjectName& object) {
  const auto at = std::lower_bound(state.objects.begin(), state.objects.end(), object);
  if (at == state.objects.end() || *at != object) state.objects.insert(at, object);
}

inline void apply(State& state, const Step& step, Broken broken, const Limits& limits) {
  Owner* const o = step.owner == kNobody ? nullptr : &state.owners[step.owner];
  switch (step.action) {
    case Action::kReadEnd:
      o->slot = static_cast<std::int8_t>(state.chain.size());
      if (broken != Broken::kResumeFromMemory || o->next == 0) o->next = next_event(state.chain);
      o->phase = Phase::kRead;
      break;
    case Action::kClaim:
    case Action::kCommit:
      after_write(*o, write_slot(state, o->slot, entry_of(step.owner, *o), broken), broken);
      break;
    case Action::kLoseAnswer:
      write_slot(state, o->slot, entry_of(step.owner, *o), broken);
      ++state.lost_answers;
      break;
    case Action::kUpload: {
      o->object = {o->claim, o->next, step.last};
      if (broken == Broken::kAdoptObjects) {
        for (const ObjectName& there : state.objects) {
          if (there.first == o->next) o->object = there;
        }
      }
      add_object(state, o->object);
      o->phase = Phase::kUploaded;
      break;
    }
    case Action::kCrash: {
      const auto life = static_cast<std::int8_t>(o->life + 1);
      *o = {};
      o->life = life;
      ++state.crashes;
      break;
    }
    case Action::kCondemn:
      if (may_be_deleted(state, step.object, broken, limits)) state.condemned = step.object;
      break;
    case Action::kDelete:
      std::erase(state.objects, *state.condemned);
      state.condemned.reset();
      break;
  }
}

// Everything that may happen next.
inline std::vector<Step> enabled(const State& state, const Limits& limits) {
  std::vector<Step> out;
  for (std::int8_t i = 0; i < kOwners; ++i) {
    const Owner& o = state.owners[i];
    const bool has_room = o.slot < limits.slots;
    if (o.phase == Phase::kIdle) out.push_back({Action::kReadEnd, i, 0, {}});
    if ((o.phase == Phase::kRead || o.phase == Phase::kUploaded) && has_room) {
      out.push_back({o.phase == Phase::kRead ? Action::kClaim : Action::kCommit, i, 0, {}});
      const bool is_free = static_cast<std::size_t>(o.slot) == state.chain.size();
      if (is_free && state.lost_answers < limits.lost_answers) out.push_back({Action::kLoseAnswer, i, 0, {}});
    }
    if (o.phase == Phase::kOwns) {
      for (std::int8_t last = o.next; last < limits.events; ++last)
        out.push_back({Action::kUpload, i, last, {}});
    }
    if (o.phase != Phase::kIdle && state.crashes < limits.crashes) out.push_back({Action::kCrash, i, 0, {}});
  }
  if (state.condemned) {
    out.push_back({Action::kDelete, kNobody, 0, {}});
  } else {
    for (const ObjectName& object : state.objects) out.push_back({Action::kCondemn, kNobody, 0, object});
  }
  return out;
}

// What must hold in every state; empty where it does.
inline std::string violation(const State& state) {
  std::int8_t next = 0;
  std::int8_t claim = kNobody;
  for (std::size_t i = 0; i < state.chain.size(); ++i) {
    const ModelSlot& slot = state.chain[i];
    if (slot.is_claim) {
      if (slot.next != next)
        return fmt::format("slot {} claims from event {}, {} is the next", i, slot.next, next);
      claim = static_cast<std::int8_t>(i);
      continue;
    }
    if (claim == kNobody) return fmt::format("slot {} commits without a claim", i);
    if (slot.writer != state.chain[static_cast<std::size_t>(claim)].writer)
      return fmt::format("slot {} is a commit of an owner that slot {} has fenced", i, claim);
    if (slot.object.claim != claim) return fmt::format("slot {} lists an object of another claim", i);
    if (slot.object.first < next) return fmt::format("slot {} lists event {} again", i, slot.object.first);
    if (slot.object.first > next) return fmt::format("slot {} leaves out event {}", i, next);
    next = static_cast<std::int8_t>(slot.object.last + 1);
    if (!std::binary_search(state.objects.begin(), state.objects.end(), slot.object))
      return fmt::format("slot {} lists an object that is gone", i);
  }
  return {};
}

}  // namespace changevault::model
