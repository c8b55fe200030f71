#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <set>

#include "cli/common_options.h"
#include "cli/text.h"
#include "cli/verbs.h"

namespace changevault {
namespace {

constexpr Duration kPollTime = seconds(1);

// Where to start in a partition: what --from says, else where the group stands, else the oldest event.
struct Start {
  enum class Kind { kGroup, kEarliest, kLatest, kSequence } kind = Kind::kGroup;
  Sequence sequence{};
};

Result<Start> parse_start(const std::string& text) {
  if (text.empty()) return Start{};
  if (text == "earliest") return Start{Start::Kind::kEarliest, {}};
  if (text == "latest") return Start{Start::Kind::kLatest, {}};
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number >= 0) {
    return Start{Start::Kind::kSequence, Sequence(number)};
  }
  return Error(ErrorCode::kUsage, "--from is no position", text,
               "write earliest, latest or a sequence number");
}

Sequence resolve(const Start& start, const GroupPosition& position) {
  switch (start.kind) {
    case Start::Kind::kEarliest:
      return position.bounds.first;
    case Start::Kind::kLatest:
      return position.bounds.next;
    case Start::Kind::kSequence:
      return std::min(start.sequence, position.bounds.next);
    case Start::Kind::kGroup:
      break;
  }
  return position.next.value_or(position.bounds.first);
}

// Prints batches until everything was read, enough was, or it is told to stop. A position is committed only
// after the events before it have left this process: a kill in between repeats events, it never skips one.
class ConsumeRun {
 public:
  ConsumeRun(Hub& hub, Consumer& consumer, Context& context, std::int64_t most)
      : hub_(hub), consumer_(consumer), context_(context), left_(most) {}

  Result<void> run(const std::string& group, const Start& start, bool follow) {
    while (left_ > 0 && !context_.stop.stop_requested()) {
      CV_ASSIGN(Poll poll, consumer_.poll(kPollTime, context_.stop));
      if (!poll.assigned.empty()) CV_TRY(begin(poll.assigned, group, start));
      for (const auto* gone : {&poll.revoked, &poll.lost}) {
        for (const PartitionId partition : *gone) open_.erase(partition);
      }
      if (poll.batch) CV_TRY(take(*poll.batch));
      if (!follow && assigned_ && open_.empty()) break;
    }
    return context_.out.flush();
  }

  std::int64_t printed() const { return printed_; }

 private:
  Result<void> begin(const std::vector<PartitionId>& partitions, const std::string& group,
                     const Start& start) {
    CV_ASSIGN(const std::vector<PartitionBounds> bounds, hub_.bounds());
    std::map<PartitionId, GroupPosition> positions;
    for (const PartitionBounds& b : bounds) positions[b.partition] = {b.partition, std::nullopt, b};
    const Result<GroupDescription> known = hub_.describe_group(group);
    if (!known.has_value() && known.error().code != ErrorCode::kNotFound) return known.error();
    if (known.has_value()) {
      for (const GroupPosition& position : known->positions) positions[position.partition] = position;
    }
    for (const PartitionId partition : partitions) {
      open_.insert(partition);
      CV_TRY(consumer_.seek(partition, resolve(start, positions[partition])));
    }
    assigned_ = true;
    return {};
  }

  Result<void> take(const EventBatch& batch) {
    Sequence next = batch.next;
    for (const HubEvent& event : batch.events) {
      if (left_ == 0) {
        next = event.sequence;
        break;
      }
      CV_TRY(context_.out.write(event.payload));
      CV_TRY(context_.out.write("\n"));
      ++printed_;
      --left_;
    }
    if (batch.at_end && next == batch.next) open_.erase(batch.partition);
    if (batch.events.empty()) return {};
    CV_TRY(context_.out.flush());
    return consumer_.commit(batch.partition, next);
  }

  Hub& hub_;
  Consumer& consumer_;
  Context& context_;
  std::int64_t left_;
  std::int64_t printed_ = 0;
  bool assigned_ = false;
  std::set<PartitionId> open_;  // assigned, and their end not seen yet
};

class ConsumeVerb final : public Verb {
 public:
  std::string name() const override { return "consume"; }
  std::string summary() const override { return "events of the hub to stdout, for any other reader"; }
  std::string usage() const override { return "[flags]"; }
  std::string details() const override {
    return "Prints each event as it was published, a line each, and remembers the position of its own group.";
  }
  std::string examples() const override {
    return "changevault consume --group audit --follow\nchangevault consume --from earliest --max 10 | jq "
           ".operationType";
  }
  void add_options(CLI::App& app) override {
    app.add_option("--group", group_, "consumer group (default $Default)")->type_name("GROUP");
    app.add_option("--from", from_, "earliest, latest or a sequence number (default: where the group stands)")
        ->type_name("WHERE");
    app.add_option("--max", most_, "stop after this many events")->type_name("N")->check(whole_number());
    app.add_flag("--follow", follow_, "wait for more at the end");
  }

  Result<int> run(Context& context) override {
    if (group_.empty()) {
      return Error(ErrorCode::kUsage, "the consumer group must not be empty", "",
                   "leave --group out to use $Default");
    }
    if (group_ == context.configuration.hub.group) {
      return Error(ErrorCode::kUsage,
                   "this group belongs to the archive: reading with it would move its position", group_,
                   "use a group of your own: changevault consume --group NAME");
    }
    CV_ASSIGN(const Start start, parse_start(from_));
    CV_ASSIGN(Hub* const hub, context.parts.hub());
    CV_ASSIGN(const std::unique_ptr<Consumer> consumer, hub->join(group_));
    ConsumeRun consuming(*hub, *consumer, context, most_);
    CV_TRY(consuming.run(group_, start, follow_));
    context.out.note(counted(consuming.printed(), "event") + " read with group " + group_);
    return kExitDone;
  }

 private:
  std::string group_ = "$Default";
  std::string from_;
  std::int64_t most_ = std::numeric_limits<std::int64_t>::max();
  bool follow_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_consume_verb() {
  return std::make_unique<ConsumeVerb>();
}

}  // namespace changevault
