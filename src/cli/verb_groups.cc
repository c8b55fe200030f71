#include "cli/text.h"
#include "cli/verbs.h"

namespace changevault {
namespace {

std::int64_t total_lag(const GroupDescription& group) {
  std::int64_t lag = 0;
  for (const GroupPosition& position : group.positions) lag += position.lag();
  return lag;
}

class GroupsVerb final : public Verb {
 public:
  std::string name() const override { return "groups"; }
  std::string summary() const override { return "consumer groups of the hub and how far behind they are"; }
  std::string usage() const override { return "list | describe GROUP"; }
  std::string examples() const override {
    return "changevault groups list\nchangevault groups describe snowflake-pipeline";
  }
  void add_options(CLI::App& app) override {
    app.add_option("ACTION", action_, "")->group("");
    app.add_option("GROUP", group_, "")->group("");
  }

  Result<int> run(Context& context) override {
    const bool lists = action_ == "list" && group_.empty();
    const bool describes = action_ == "describe" && !group_.empty();
    if (!lists && !describes) {
      return Error(ErrorCode::kUsage, "say what to do: list, or describe with a group's name", "",
                   "for example: changevault groups list");
    }
    CV_ASSIGN(Hub* const hub, context.parts.hub());
    if (lists) return list(*hub, context);
    return describe_one(*hub, context);
  }

 private:
  static Result<int> list(Hub& hub, Context& context) {
    CV_ASSIGN(const std::vector<std::string> names, hub.groups());
    Json groups = Json::array();
    Table table({{"GROUP"}, {"EVENTS BEHIND", Table::Align::kRight}, {""}});
    for (const std::string& name : names) {
      CV_ASSIGN(const GroupDescription group, hub.describe_group(name));
      groups.push_back({{"group", name}, {"lag", total_lag(group)}});
      const bool is_archive = name == context.configuration.hub.group;
      table.add({name, with_thousands(total_lag(group)), is_archive ? "the archive" : ""});
    }
    if (context.out.json_wanted()) {
      context.out.print_json({{"groups", std::move(groups)}});
    } else {
      ignore_error(context.out.write(table.to_string()), "kept for flush");
    }
    return kExitDone;
  }

  Result<int> describe_one(Hub& hub, Context& context) {
    Result<GroupDescription> group = hub.describe_group(group_);
    if (!group.has_value()) {
      if (group.error().code == ErrorCode::kNotFound && group.error().hint.empty()) {
        group.error().hint = "see the groups with: changevault groups list";
      }
      return group.error();
    }
    Json partitions = Json::array();
    Table table({{"PARTITION"},
                 {"POSITION", Table::Align::kRight},
                 {"FIRST", Table::Align::kRight},
                 {"NEXT", Table::Align::kRight},
                 {"EVENTS BEHIND", Table::Align::kRight}});
    for (const GroupPosition& p : group->positions) {
      const Json position = p.next ? Json(p.next->value) : Json(nullptr);
      partitions.push_back({{"partition", p.partition.value},
                            {"position", position},
                            {"first", p.bounds.first.value},
                            {"next", p.bounds.next.value},
                            {"lag", p.lag()}});
      table.add({to_string(p.partition), p.next ? with_thousands(p.next->value) : "none yet",
                 with_thousands(p.bounds.first.value), with_thousands(p.bounds.next.value),
                 with_thousands(p.lag())});
    }
    if (context.out.json_wanted()) {
      context.out.print_json(
          {{"group", group->group}, {"lag", total_lag(*group)}, {"partitions", std::move(partitions)}});
    } else {
      context.out.print("group " + printable(group->group) + ", " + counted(total_lag(*group), "event") +
                        " behind");
      ignore_error(context.out.write(table.to_string()), "kept for flush");
    }
    return kExitDone;
  }

  std::string action_;
  std::string group_;
};

}  // namespace

std::unique_ptr<Verb> make_groups_verb() {
  return std::make_unique<GroupsVerb>();
}

}  // namespace changevault
