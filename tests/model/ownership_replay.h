// The program's own classes, taken through a schedule of the model step by step: each owner is a thread that
// stops before every request which changes the store, and before it reads the chain's end.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "archive/ledger_walk.h"
#include "archive/leftovers.h"
#include "archive/partition_archive.h"
#include "base/mutex.h"
#include "store/faulty_store.h"
#include "tests/model/ownership_model.h"
#include "tests/support/archive_fixture.h"

namespace changevault::model {

// A thread that does nothing without being told.
class Puppet {
 public:
  enum class Word { kGoOn, kLoseTheAnswer, kDie };
  struct Command {
    Word word = Word::kGoOn;
    int last = 0;  // of a batch
  };
  struct Killed {};

  template <typename Play>
  explicit Puppet(Play play)
      : thread_([this, play = std::move(play)] {
          try {
            play(*this);
          } catch (const Killed&) {
          }
          const MutexLock lock(mutex_);
          place_ = "ended";
          waits_ = true;
          changed_.notify_all();
        }) {}
  ~Puppet() {
    if (place() != "ended") tell({Word::kDie});
    thread_.join();
  }

  // On the puppet's thread: stops here, until it is told.
  Command stop_at(const char* place) {
    const MutexLock lock(mutex_);
    place_ = place;
    waits_ = true;
    changed_.notify_all();
    while (!command_) changed_.wait(mutex_);
    const Command command = *std::exchange(command_, std::nullopt);
    if (command.word == Word::kDie) throw Killed{};
    return command;
  }

  // Where it has stopped.
  std::string place() {
    const MutexLock lock(mutex_);
    while (!waits_) changed_.wait(mutex_);
    return place_;
  }
  void tell(Command command) {
    const MutexLock lock(mutex_);
    while (!waits_) changed_.wait(mutex_);
    waits_ = false;
    command_ = command;
    changed_.notify_all();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::string place_ CV_GUARDED_BY(mutex_);
  bool waits_ CV_GUARDED_BY(mutex_) = false;
  std::optional<Command> command_ CV_GUARDED_BY(mutex_);
  std::thread thread_;
};

class Replay : private testing::ArchiveFixture {
 public:
  explicit Replay(const Limits& limits) {
    init();
    for (int i = 0; i < limits.events; ++i)
      hub.append(kPartition, testing::event("shop", "orders", i), testing::at(8, i), false);
    for (int i = 0; i < kOwners; ++i) begin(i, 0);
  }

  // Empty where the program does what the model did.
  std::string step(const Step& step, const State& after) {
    switch (step.action) {
      case Action::kCrash:
        owners_[step.owner].reset();
        begin(step.owner, after.owners[step.owner].life);
        break;
      case Action::kCondemn:
        cleaner_ =
            std::make_unique<Puppet>([this, key = key_of(step.object)](Puppet& me) { clean(me, key); });
        if (cleaner_->place() != (after.condemned ? "remove" : "ended"))
          return "the program decides otherwise about " + key_of(step.object);
        break;
      case Action::kDelete:
        cleaner_->tell({});
        if (cleaner_->place() != "ended") return "it removes more than one object";
        break;
      default:
        owners_[step.owner]->tell(
            {step.action == Action::kLoseAnswer ? Puppet::Word::kLoseTheAnswer : Puppet::Word::kGoOn,
             step.last});
    }
    return difference(after);
  }

 private:
  static constexpr PartitionId kPartition{0};

  std::string owner_name(int owner, int life) const { return fmt::format("{}", owner + kOwners * life); }

  void begin(int owner, int life) {
    owners_[owner] =
        std::make_unique<Puppet>([this, name = owner_name(owner, life)](Puppet& me) { own(me, name); });
  }

  std::string key_of(const ObjectName& o) const {
    return layout.segment({"shop", "orders"}, hour_of(testing::at(8, 0)),
                          {kPartition, Sequence(o.first), Sequence(o.last), Slot(o.claim)});
  }

  // An owner's life: claims, and archives what it is told to, until it is fenced; then again.
  void own(Puppet& me, const std::string& name) {
    bool reads_anew = true;   // it claims, and looks for the chain's end
    bool asks_again = false;  // what stands in the slot of which it got no answer
    FaultyStore gated(store, [&](StoreOperation operation, const std::string& key) {
      const bool in_chain = key.starts_with(layout.partition_chain(kPartition));
      if (operation == StoreOperation::kHead && in_chain && std::exchange(reads_anew, false))
        me.stop_at("read");
      if (operation == StoreOperation::kGet && in_chain && std::exchange(asks_again, false))
        me.stop_at("write");
      if (operation != StoreOperation::kPut || !in_chain) return Fault::kNone;
      asks_again = me.stop_at("write").word == Puppet::Word::kLoseTheAnswer;
      reads_anew = !asks_again;
      return asks_again ? Fault::kFailAfter : Fault::kNone;
    });
    ManualClock time{testing::at(23, 59)};
    testing::CountingRandom numbers;
    for (int i = 0; i < 1000 * (1 + std::stoi(name)); ++i) numbers.next();
    const Archiver::Parts own_parts{hub, gated, layout, time, numbers};
    ArchiverOptions own_options = options;
    own_options.owner = name;
    const RecordIdentity identity{options.source_id, "memory-hub", Epoch(0)};
    RecordBuilder builder(identity);
    BlockWorker compressor(1);
    ArchiveTotals totals;
    ArchiveContext context{
        own_parts, own_options, identity, builder, compressor, totals, {}, {}, [](const std::string&) {}};
    while (true) {
      PartitionArchive archive(kPartition, context);
      reads_anew = true;
      if (!testing::value(archive.claim({}))) continue;
      while (archive_batch(me, archive)) {
      }
    }
  }

  // False: it was fenced.
  bool archive_batch(Puppet& me, PartitionArchive& archive) {
    const int last = me.stop_at("batch").last;
    while (archive.next() <= Sequence(last)) {
      const auto event = testing::value(hub.read(kPartition, archive.next()));
      testing::value(archive.add(event->events.front(), testing::at(23, 59)));
    }
    const Result<void> done = archive.commit();
    if (!done && done.error().code != ErrorCode::kFenced) throw std::runtime_error(done.error().to_string());
    return done.has_value();
  }

  void clean(Puppet& me, const std::string& key) {
    FaultyStore gated(store, [&](StoreOperation operation, const std::string&) {
      if (operation == StoreOperation::kRemove) me.stop_at("remove");
      return Fault::kNone;
    });
    testing::value(remove_leftovers(gated, layout, {key}));
  }

  std::string difference(const State& state) {
    static constexpr const char* kPlaces[] = {"read", "write", "batch", "write"};
    for (int i = 0; i < kOwners; ++i) {
      const std::string place = owners_[i]->place();
      const std::string wanted = kPlaces[static_cast<int>(state.owners[i].phase)];
      if (place != wanted) return fmt::format("owner {} stands at '{}', not at '{}'", i, place, wanted);
    }
    const std::string wanted = wanted_store(state);
    const std::string found = found_store();
    return wanted == found ? "" : "the store has\n" + found + "the model\n" + wanted;
  }

  std::string wanted_store(const State& state) const {
    std::string out;
    for (const ModelSlot& slot : state.chain) {
      out += slot.is_claim ? fmt::format("  {} claims from {}\n", slot.writer, slot.next)
                           : fmt::format("  {} lists {}-{} of c{}\n", slot.writer, slot.object.first,
                                         slot.object.last, slot.object.claim);
    }
    for (const ObjectName& o : state.objects) out += fmt::format("  c{} {}-{}\n", o.claim, o.first, o.last);
    return out;
  }

  std::string found_store() {
    std::string out;
    Chain chain(store, layout.partition_chain(kPartition));
    const Slot end = testing::value(chain.find_end());
    for (Slot slot(0); slot < end; slot = slot.next()) {
      const WalkedEntry walked = testing::value(read_entry(chain, slot));
      const std::string& writer = walked.entry.header.owner;
      if (const auto* claim = std::get_if<ClaimEntry>(&walked.entry.body)) {
        out += fmt::format("  {} claims from {}\n", writer, claim->next.value);
      } else {
        const SegmentFacts& facts = std::get<CommitEntry>(walked.entry.body).segments.at(0);
        out += fmt::format("  {} lists {}-{} of c{}\n", writer, facts.first.value, facts.last.value,
                           claim_of(facts.key));
      }
    }
    std::vector<ObjectName> objects;
    for (const std::string& key : keys(layout.archive_prefix())) {
      const auto name = layout.parse(key);
      if (!name || !name->origin) continue;
      objects.push_back({static_cast<std::int8_t>(name->origin->claim.value),
                         static_cast<std::int8_t>(name->origin->first.value),
                         static_cast<std::int8_t>(name->origin->last.value)});
    }
    std::sort(objects.begin(), objects.end());
    for (const ObjectName& o : objects) out += fmt::format("  c{} {}-{}\n", o.claim, o.first, o.last);
    return out;
  }
  std::int64_t claim_of(const std::string& key) const { return layout.parse(key)->origin->claim.value; }

  std::unique_ptr<Puppet> owners_[kOwners];
  std::unique_ptr<Puppet> cleaner_;
};

}  // namespace changevault::model
