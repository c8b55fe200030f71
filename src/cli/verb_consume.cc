#include <limits>
#include <map>
#include <set>

#include "cli/common_options.h"
#include "cli/hub_position.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "hub/hub_checks.h"

namespace changevault {
namespace {

constexpr Duration kPollTime = seconds(1);
// Having nothing to read for so long is worth a word.
constexpr Duration kSilentWait = seconds(3);

struct ConsumeOptions {
  std::string group = kDefaultGroup;
  std::optional<PartitionId> only;
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  bool follow = false;
};

// Prints batches until everything was read, enough was, or it is told to stop. A position is committed only
// after the events before it have left this process: a kill in between repeats events, it never skips one.
class ConsumeRun {
 public:
  ConsumeRun(Hub& hub, Consumer& consumer, Context& context, ConsumeOptions options)
      : hub_(hub),
        consumer_(consumer),
        context_(context),
        options_(std::move(options)),
        left_(options_.most),
        began_(context.parts.clock().steady()) {}

  Result<void> run() {
    while (left_ > 0 && !context_.stop.stop_requested()) {
      CV_ASSIGN(const Poll poll, consumer_.poll(kPollTime, context_.stop));
      for (const auto* gone : {&poll.revoked, &poll.lost}) {
        for (const PartitionId partition : *gone) forget(partition);
      }
      if (!poll.assigned.empty()) CV_TRY(begin(poll.assigned));
      if (poll.batch) CV_TRY(take(*poll.batch));
      if (reading_.empty()) {
        CV_TRY(say_who_reads());
      } else if (!options_.follow && unfinished_.empty()) {
        break;
      }
    }
    return context_.out.flush();
  }

  std::int64_t printed() const { return printed_; }

 private:
  void forget(PartitionId partition) {
    reading_.erase(partition);
    unfinished_.erase(partition);
  }

  // Where the group stands in each; where it never was, at the oldest event.
  Result<void> begin(const std::vector<PartitionId>& partitions) {
    CV_ASSIGN(const GroupDescription group, hub_.describe_group(options_.group));
    for (const PartitionId partition : partitions) {
      if (options_.only && partition != *options_.only) continue;
      // One that was added this moment may not be described yet: it begins with its first event.
      const auto index = static_cast<std::size_t>(partition.value);
      const GroupPosition position =
          index < group.positions.size() ? group.positions[index] : GroupPosition{};
      reading_.insert(partition);
      unfinished_.insert(partition);
      CV_TRY(consumer_.seek(partition, position.next.value_or(position.bounds.first)));
    }
    return {};
  }

  Result<void> take(const EventBatch& batch) {
    Sequence next = batch.next;
    for (const HubEvent& event : batch.events) {
      if (left_ == 0 || context_.stop.stop_requested()) {
        next = event.sequence;
        break;
      }
      CV_TRY(context_.out.write(event.payload));
      CV_TRY(context_.out.write("\n"));
      ++printed_;
      --left_;
    }
    if (batch.at_end && next == batch.next) unfinished_.erase(batch.partition);
    if (batch.events.empty()) return {};
    CV_TRY(context_.out.flush());
    Result<void> committed = consumer_.commit(batch.partition, next);
    if (committed.has_value() || committed.error().code != ErrorCode::kFenced) return committed;
    context_.out.note("partition " + to_string(batch.partition) +
                      " was taken over by another reader of the group, which repeats " +
                      counted(static_cast<std::int64_t>(batch.events.size()), "event"));
    return {};
  }

  Result<void> say_who_reads() {
    if (told_ || context_.parts.clock().steady().ms - began_.ms < kSilentWait.ms) return {};
    told_ = true;
    CV_ASSIGN(const GroupDescription group, hub_.describe_group(options_.group));
    std::string holders;
    for (const MemberDescription& member : group.members) {
      if (member.partitions.empty()) continue;
      holders += (holders.empty() ? "" : ", ") + printable(member.name);
    }
    context_.out.note("waiting for a partition: group " + printable(options_.group) + " is read by " +
                      (holders.empty() ? "others" : holders));
    return {};
  }

  Hub& hub_;
  Consumer& consumer_;
  Context& context_;
  ConsumeOptions options_;
  std::int64_t left_;
  Duration began_;
  std::int64_t printed_ = 0;
  bool told_ = false;
  std::set<PartitionId> reading_;     // ours, and wanted
  std::set<PartitionId> unfinished_;  // of these: their end was not seen yet
};

class ConsumeVerb final : public Verb {
 public:
  std::string name() const override { return "consume"; }
  std::string summary() const override { return "events of the hub to stdout, for any other reader"; }
  std::string usage() const override { return "[flags]"; }
  std::string details() const override {
    return "Prints each event as it was published, a line each, and remembers the position of its own group\n"
           "once the events went out: killed in between, it repeats some, it never skips one. Readers of "
           "one\n"
           "group share the partitions. A group that is new begins at the oldest event. An event that was\n"
           "larger than the hub takes is printed as the pointer that stands in its place.";
  }
  std::string examples() const override {
    return "changevault consume --group audit --follow\n"
           "changevault consume --from start --max 10 | jq .operationType\n"
           "changevault consume --group replay --from 2025-01-15T14:00:00Z";
  }
  void add_options(Options& options) override {
    options.add_option("--group", options_.group, "consumer group (default $Default)")->type_name("GROUP");
    options
        .add_option(
            "--from", from_,
            std::string("move the group there first: ") + kHubPositionWords + " (default: where it stands)")
        ->type_name("WHERE");
    options.add_option("--partition", partition_, "only this partition")->type_name("P")->whole_number();
    options.add_option("--max", options_.most, "stop after this many events")->type_name("N")->whole_number();
    options.add_flag("--follow", options_.follow, "wait for more at the end");
  }

  Result<int> run(Context& context) override {
    if (options_.group.empty()) {
      return Error(ErrorCode::kUsage, "the consumer group must not be empty", "",
                   "leave --group out to use $Default");
    }
    CV_TRY(check_not_archives_group(context, options_.group, "reading with it would move its position",
                                    "use a group of your own: changevault consume --group NAME"));
    if (partition_) options_.only = PartitionId(*partition_);
    CV_ASSIGN(Hub* const hub, context.parts.hub());
    CV_TRY(check_partition(*hub));
    if (from_) CV_TRY(move_group(*hub));
    CV_ASSIGN(const std::unique_ptr<Consumer> consumer, hub->join(options_.group));
    ConsumeRun consuming(*hub, *consumer, context, options_);
    CV_TRY(with_hint(consuming.run()));
    context.out.note(counted(consuming.printed(), "event") + " read with group " + printable(options_.group));
    return kExitDone;
  }

 private:
  Result<void> check_partition(Hub& hub) const {
    if (!options_.only) return {};
    CV_ASSIGN(const GroupPositions there, positions_at(hub, {}, options_.only));
    return {};
  }

  Result<void> move_group(Hub& hub) const {
    CV_ASSIGN(const HubPosition position, parse_hub_position(*from_, "--from"));
    CV_ASSIGN(const GroupPositions positions, positions_at(hub, position, options_.only));
    Result<void> moved = hub.reset_group(options_.group, positions);
    if (moved.has_value()) return moved;
    if (moved.error().code == ErrorCode::kNotFound) return hub.create_group(options_.group, positions);
    if (moved.error().code == ErrorCode::kBusy)
      moved.error().hint = "leave --from out to share the partitions with them, or use another --group";
    return moved;
  }

  // Events that the hub has dropped before they were read.
  Result<void> with_hint(Result<void> result) const {
    if (!result.has_value() && result.error().code == ErrorCode::kNotFound) {
      result.error().hint =
          "go on with the oldest there is: changevault consume --group " + options_.group + " --from start";
    }
    return result;
  }

  ConsumeOptions options_;
  std::optional<std::string> from_;
  std::optional<std::int32_t> partition_;
};

}  // namespace

std::unique_ptr<Verb> make_consume_verb() {
  return std::make_unique<ConsumeVerb>();
}

}  // namespace changevault
