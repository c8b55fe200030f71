#include <algorithm>
#include <optional>

#include "cli/common_options.h"
#include "cli/csv.h"
#include "cli/hub_position.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "hub/hub_checks.h"
#include "service/event_ages.h"
#include "service/suggest.h"

namespace changevault {
namespace {

constexpr const char* kArchiveHint =
    "the archive's ledger says where it goes on, not this group; to read the hub again for another purpose: "
    "changevault consume --group NAME --from start";

std::int64_t total_lag(const GroupDescription& group) {
  std::int64_t lag = 0;
  for (const GroupPosition& position : group.positions) lag += position.lag();
  return lag;
}

// What is behind and cannot be read any more: the hub's retention has deleted it.
std::int64_t gone_of(const GroupPosition& position) {
  return std::max<std::int64_t>(
      0, position.bounds.first.value - position.next.value_or(position.bounds.first).value);
}

std::int64_t total_gone(const GroupDescription& group) {
  std::int64_t gone = 0;
  for (const GroupPosition& position : group.positions) gone += gone_of(position);
  return gone;
}

Json position_json(const std::optional<Sequence>& next) {
  return next ? Json(next->value) : Json(nullptr);
}

Json owner_json(const GroupOwner& owner) {
  return owner.id.empty() ? Json(nullptr) : Json(owner.name);
}

std::string position_text(const std::optional<Sequence>& next) {
  return next ? with_thousands(next->value) : "none yet";
}

// Of a group that has read all nothing is said.
std::string lag_text(const GroupPosition& position, const std::optional<Duration>& lag) {
  if (position.lag() <= 0) return "";
  return lag ? human_duration(*lag) : "unknown";
}

std::string list_of(const std::vector<PartitionId>& partitions) {
  std::string out;
  for (const PartitionId partition : partitions) out += (out.empty() ? "" : ", ") + to_string(partition);
  return out.empty() ? "none" : out;
}

std::string reader_of(const GroupDescription& group, PartitionId partition) {
  for (const MemberDescription& member : group.members) {
    for (const PartitionId held : member.partitions) {
      if (held == partition) return printable(member.name);
    }
  }
  return "nobody";
}

Json members_json(const GroupDescription& group) {
  Json members = Json::array();
  for (const MemberDescription& member : group.members) {
    Json partitions = Json::array();
    for (const PartitionId partition : member.partitions) partitions.push_back(partition.value);
    members.push_back({{"member", member.name}, {"partitions", std::move(partitions)}});
  }
  return members;
}

class GroupsVerb final : public Verb {
 public:
  std::string name() const override { return "groups"; }
  std::string summary() const override { return "consumer groups of the hub and how far behind they are"; }
  std::string usage() const override {
    return "list | describe GROUP | create GROUP | reset GROUP --to WHERE | delete GROUP";
  }
  std::string details() const override {
    return "A group made by `create` begins at the end: it gets what is published from now on, as Kafka's\n"
           "auto.offset.reset=latest has it. `reset` and `delete` need a group that nobody is reading, and "
           "ask\n"
           "first; without a terminal and without --yes nothing happens (exit code 2).\n"
           "TIME BEHIND is the age of the next event to read, by the hub's clock.\n"
           "WHERE is " +
           std::string(kHubPositionWords) +
           ".\n"
           "Azure Event Hubs knows a second kind of consumer group, for AMQP readers and Functions: "
           "--management";
  }
  std::string examples() const override {
    return "changevault groups list\n"
           "changevault groups describe snowflake-pipeline\n"
           "changevault groups create analytics --from start\n"
           "changevault groups reset analytics --to 2025-01-15T14:00:00Z --yes\n"
           "changevault groups delete analytics --yes";
  }
  std::vector<std::string> first_words() const override {
    return {"list", "describe", "create", "reset", "delete"};
  }
  bool takes_csv() const override { return true; }
  void add_options(Options& options) override {
    options.add_position("ACTION", action_);
    options.add_position("GROUP", group_);
    options.add_option("--from", from_, "with create: where the group begins (default end)")
        ->type_name("WHERE");
    options.add_option("--to", to_, "with reset: where the group goes on")->type_name("WHERE");
    options.add_option("--partition", partition_, "with reset: only this partition")
        ->type_name("P")
        ->whole_number();
    options.add_flag(
        "--management", management_,
        "with list, create, delete: the consumer groups that Azure and the portal know (Event Hubs)");
    options.add_flag("--yes,-y", yes_, "do not ask");
  }

  Result<int> run(Context& context) override {
    CV_TRY(check_flags());
    if (context.out.csv_wanted() && (management_ || (action_ != "list" && action_ != "describe")))
      return no_csv("groups " + action_ + (management_ ? " --management" : ""));
    if (management_) return manage(context);
    CV_ASSIGN(Hub* const hub, context.parts.hub());
    if (action_ == "list") return list(*hub, context);
    if (action_ == "describe") return describe(*hub, context);
    if (action_ == "create") return create(*hub, context);
    return action_ == "reset" ? reset(*hub, context) : remove(*hub, context);
  }

 private:
  static Error misplaced(const std::string& flag, const std::string& action) {
    return Error(ErrorCode::kUsage, flag + " goes with " + action + " only", "",
                 "see: changevault groups --help");
  }

  Result<void> check_flags() const {
    const bool names_one =
        action_ == "describe" || action_ == "create" || action_ == "reset" || action_ == "delete";
    if (action_ != "list" && !names_one) {
      const std::string near = nearest(action_, first_words());
      return Error(ErrorCode::kUsage, "say what to do: list, describe, create, reset or delete", action_,
                   near.empty() ? "for example: changevault groups list"
                                : "did you mean: changevault groups " + near + "?");
    }
    if (names_one && group_.empty()) {
      return Error(ErrorCode::kUsage, "no group is named", "",
                   "for example: changevault groups " + action_ + " analytics" +
                       (action_ == "reset" ? " --to start" : ""));
    }
    if (action_ == "list" && !group_.empty()) {
      return Error(ErrorCode::kUsage, "list takes no group", group_,
                   "for one group: changevault groups describe " + group_);
    }
    if (management_ && (action_ == "describe" || action_ == "reset"))
      return misplaced("--management", "list, create and delete");
    if (management_ && from_) {
      return Error(ErrorCode::kUsage, "a group that Azure manages has no position", "--from",
                   "its readers keep their own; leave --from away");
    }
    if (from_ && action_ != "create") return misplaced("--from", "create");
    if (to_ && action_ != "reset") return misplaced("--to", "reset");
    if (partition_ && action_ != "reset") return misplaced("--partition", "reset");
    if (action_ == "reset" && !to_) {
      return Error(ErrorCode::kUsage, "it is not said where the group goes on", group_,
                   "for example: changevault groups reset " + group_ + " --to start");
    }
    return {};
  }

  static Result<int> list(Hub& hub, Context& context) {
    CV_ASSIGN(const std::vector<std::string> names, hub.groups());
    Json groups = Json::array();
    Table table(
        {{"GROUP"}, {"EVENTS BEHIND", Table::Align::kRight}, {"READERS", Table::Align::kRight}, {""}});
    for (const std::string& name : names) {
      CV_ASSIGN(const GroupDescription group, hub.describe_group(name));
      const bool is_archive = name == context.configuration.hub.group;
      groups.push_back({{"group", name},
                        {"lag", total_lag(group)},
                        {"members", group.members.size()},
                        {"archive", is_archive}});
      table.add({printable(name), with_thousands(total_lag(group)),
                 with_thousands(static_cast<std::int64_t>(group.members.size())),
                 is_archive ? "the archive" : ""});
    }
    if (context.out.json_wanted()) {
      context.out.print_json({{"groups", std::move(groups)}});
    } else if (context.out.csv_wanted()) {
      CsvRows rows(context.out, {"group", "lag", "members", "archive"});
      for (const Json& group : groups) rows.add(group);
    } else {
      ignore_error(context.out.write(table.to_string()), "kept for flush");
    }
    return kExitDone;
  }

  Result<int> describe(Hub& hub, Context& context) {
    CV_ASSIGN(const GroupDescription group, hub.describe_group(group_));
    Json partitions = Json::array();
    Table table({{"PARTITION"},
                 {"POSITION", Table::Align::kRight},
                 {"FIRST", Table::Align::kRight},
                 {"NEXT", Table::Align::kRight},
                 {"EVENTS BEHIND", Table::Align::kRight},
                 {"TIME BEHIND", Table::Align::kRight},
                 {"GONE", Table::Align::kRight},
                 {"READ BY"}});
    EventAges ages(hub);
    for (const GroupPosition& p : group.positions) {
      const std::optional<Duration> lag = ages.lag_of(p);
      partitions.push_back({{"partition", p.partition.value},
                            {"position", position_json(p.next)},
                            {"first", p.bounds.first.value},
                            {"next", p.bounds.next.value},
                            {"lag", p.lag()},
                            {"lag_seconds", lag ? Json(lag->ms / 1000) : Json(nullptr)},
                            {"gone", gone_of(p)}});
      table.add({to_string(p.partition), position_text(p.next), with_thousands(p.bounds.first.value),
                 with_thousands(p.bounds.next.value), with_thousands(p.lag()), lag_text(p, lag),
                 with_thousands(gone_of(p)), reader_of(group, p.partition)});
    }
    if (context.out.json_wanted()) {
      context.out.print_json({{"group", group.group},
                              {"lag", total_lag(group)},
                              {"gone", total_gone(group)},
                              {"archive", owner_json(group.owner)},
                              {"partitions", std::move(partitions)},
                              {"members", members_json(group)}});
      return kExitDone;
    }
    if (context.out.csv_wanted()) {
      CsvRows rows(context.out, {"partition", "position", "first", "next", "lag", "lag_seconds", "gone"});
      for (const Json& partition : partitions) rows.add(partition);
      return kExitDone;
    }
    const std::int64_t gone = total_gone(group);
    context.out.print(
        "group " + printable(group.group) + ", " + counted(total_lag(group), "event") + " behind" +
        (gone == 0 ? "" : "; " + with_thousands(gone) + " of them are gone: the hub has deleted them"));
    if (!group.owner.id.empty()) context.out.print("of the archive " + printable(group.owner.name));
    ignore_error(context.out.write(table.to_string()), "kept for flush");
    for (const MemberDescription& member : group.members) {
      context.out.print("reader " + printable(member.name) + ": partitions " + list_of(member.partitions));
    }
    return kExitDone;
  }

  // The two kinds know nothing of each other.
  std::string event_hubs_words(const HubDescription& hub) const {
    const std::string host = hub.identity.substr(hub.identity.find("//") + 2);
    return "note: this is a group of the Kafka endpoint, for the whole namespace; readers over AMQP, and "
           "Azure "
           "Functions, need one of the other kind: changevault groups create " +
           printable(group_) +
           " --management, or az eventhubs eventhub consumer-group create -g RESOURCE_GROUP "
           "--namespace-name " +
           host.substr(0, host.find('.')) + " --eventhub-name " + hub.topic + " -n " + printable(group_);
  }

  Result<int> create(Hub& hub, Context& context) {
    CV_ASSIGN(const HubPosition position, parse_hub_position(from_.value_or("end"), "--from"));
    CV_ASSIGN(const HubDescription described, hub.describe());
    CV_ASSIGN(const GroupPositions positions, positions_at(hub, position));
    CV_TRY(hub.create_group(group_, positions));
    if (described.kind == "eventhubs") context.out.note(event_hubs_words(described));
    if (!context.out.json_wanted()) {
      context.out.print("made group " + printable(group_));
      return describe(hub, context);
    }
    Json partitions = Json::array();
    for (const auto& [partition, next] : positions)
      partitions.push_back({{"partition", partition.value}, {"position", next.value}});
    context.out.print_json({{"group", group_}, {"created", true}, {"partitions", std::move(partitions)}});
    return kExitDone;
  }

  Result<int> reset(Hub& hub, Context& context) {
    CV_TRY(check_not_archives_group(context, group_, "moving it would not move the archive", kArchiveHint));
    CV_ASSIGN(const HubPosition position, parse_hub_position(*to_, "--to"));
    const auto only = partition_ ? std::optional(PartitionId(*partition_)) : std::nullopt;
    CV_ASSIGN(const GroupPositions positions, positions_at(hub, position, only));
    CV_ASSIGN(const GroupDescription before, hub.describe_group(group_));
    if (!context.out.json_wanted()) print_move(context.out, before, positions);
    if (!allowed(context, "move group " + printable(group_) + "?")) {
      if (context.out.json_wanted()) context.out.print_json(move_json(before, positions, false));
      return kExitUsage;
    }
    CV_TRY(hub.reset_group(group_, positions));
    if (context.out.json_wanted()) {
      context.out.print_json(move_json(before, positions, true));
    } else {
      context.out.print("moved group " + printable(group_));
    }
    return kExitDone;
  }

  Json move_json(const GroupDescription& before, const GroupPositions& positions, bool done) const {
    Json partitions = Json::array();
    for (const auto& [partition, next] : positions) {
      const GroupPosition& old = before.positions.at(static_cast<std::size_t>(partition.value));
      partitions.push_back({{"partition", partition.value},
                            {"before", position_json(old.next)},
                            {"position", next.value},
                            {"lag", old.bounds.next.value - next.value}});
    }
    return {{"group", group_}, {"reset", done}, {"partitions", std::move(partitions)}};
  }

  static void print_move(Output& out, const GroupDescription& before, const GroupPositions& positions) {
    Table table({{"PARTITION"},
                 {"FROM", Table::Align::kRight},
                 {"TO", Table::Align::kRight},
                 {"EVENTS BEHIND THEN", Table::Align::kRight}});
    for (const auto& [partition, next] : positions) {
      const GroupPosition& old = before.positions.at(static_cast<std::size_t>(partition.value));
      table.add({to_string(partition), position_text(old.next), with_thousands(next.value),
                 with_thousands(old.bounds.next.value - next.value)});
    }
    ignore_error(out.write(table.to_string()), "kept for flush");
  }

  Result<int> remove(Hub& hub, Context& context) {
    CV_TRY(check_not_default(group_, hub.url()));
    CV_ASSIGN(const GroupDescription group, hub.describe_group(group_));
    // One that an archive left behind which is gone is in the way of the archive that is here.
    const bool of_another = belongs_to_another_archive(context, group.owner);
    if (!of_another) {
      CV_TRY(check_not_archives_group(context, group_, "it would come back with the archive's next start",
                                      kArchiveHint));
    }
    const std::string question =
        "delete group " + printable(group_) + ", " + counted(total_lag(group), "event") + " behind" +
        (of_another ? ", of the archive " + printable(group.owner.name) : "") + ", and forget its positions?";
    const bool go = allowed(context, question);
    if (go) CV_TRY(hub.delete_group(group_));
    if (context.out.json_wanted()) {
      context.out.print_json({{"group", group_}, {"deleted", go}});
    } else if (go) {
      context.out.print("deleted group " + printable(group_));
    }
    return go ? kExitDone : kExitUsage;
  }

  Result<int> manage(Context& context) {
    CV_ASSIGN(const std::unique_ptr<GroupManagement> management, context.parts.group_management());
    if (action_ == "list") {
      CV_ASSIGN(const std::vector<std::string> names, management->list());
      if (context.out.json_wanted()) {
        context.out.print_json({{"consumer_groups", names}});
        return kExitDone;
      }
      for (const std::string& name : names) context.out.print(printable(name));
      return kExitDone;
    }
    if (action_ == "create") {
      CV_TRY(management->create(group_));
      context.out.note("note: readers of the Kafka endpoint, this program among them, do not see it");
    } else {
      if (!allowed(context, "delete the consumer group " + printable(group_) + " of the event hub?"))
        return kExitUsage;
      CV_TRY(management->remove(group_));
    }
    const std::string done = action_ == "create" ? "created" : "deleted";
    if (context.out.json_wanted()) {
      context.out.print_json({{"consumer_group", group_}, {done, true}});
    } else {
      context.out.print(done + " consumer group " + printable(group_));
    }
    return kExitDone;
  }

  bool allowed(Context& context, const std::string& question) const {
    if (yes_ || context.confirm(question)) return true;
    context.out.note("nothing was changed; say --yes to do it without being asked");
    return false;
  }

  std::string action_;
  std::string group_;
  std::optional<std::string> from_;
  std::optional<std::string> to_;
  std::optional<std::int32_t> partition_;
  bool yes_ = false;
  bool management_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_groups_verb() {
  return std::make_unique<GroupsVerb>();
}

}  // namespace changevault
