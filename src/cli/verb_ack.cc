#include <charconv>

#include "cli/csv.h"
#include "cli/gap_report.h"
#include "cli/scope_options.h"
#include "cli/scope_text.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"

namespace changevault {
namespace {

constexpr std::size_t kMostLines = 50;
constexpr std::size_t kLongestReason = 2000;

Json to_json(const Hour hour, const Namespace& ns, GapState state, const CellNumbers& n) {
  return {{"hour", to_string(hour)}, {"database", ns.database}, {"collection", ns.collection},
          {"state", name(state)},    {"archive", n.archive},    {"warehouse", n.warehouse},
          {"missing", n.missing},    {"extra", n.extra},        {"duplicate", n.duplicate}};
}

const char* state_of(const Acks::Given& given) {
  if (given.taken_back) return "taken_back";
  return given.counts ? "counts" : "void";
}

Json to_json(const Acks::Given& given) {
  Json cells = Json::array();
  for (const AcknowledgedCell& cell : given.what.cells)
    cells.push_back(to_json(cell.hour, cell.ns, cell.state, cell.evidence.numbers));
  Json json = {
      {"id", given.id.value},          {"state", state_of(given)},      {"time", to_rfc3339(given.time)},
      {"user", given.what.actor.user}, {"host", given.what.actor.host}, {"reason", given.what.reason},
      {"scope", given.what.scope},     {"cells", std::move(cells)},     {"taken_back", nullptr}};
  if (given.taken_back) {
    json["taken_back"] = {{"time", to_rfc3339(given.taken_back_at)},
                          {"user", given.taken_back->actor.user},
                          {"host", given.taken_back->actor.host},
                          {"reason", given.taken_back->reason}};
  }
  return json;
}

class AckVerb final : public Verb {
 public:
  std::string name() const override { return "ack"; }
  std::string summary() const override { return "acknowledge gaps that cannot or need not be repaired"; }
  std::string usage() const override {
    return kScopeUsage + std::string(" --reason TEXT | --list | --take-back ID");
  }
  std::string details() const override {
    return "Shows the gaps of the scope and asks first. An acknowledgement holds for exactly the numbers and "
           "digests "
           "that\n"
           "were seen: a gap that changes afterwards is red again. Nothing is overwritten; taking back is a "
           "further "
           "entry.\n"
           "Without a terminal and without --yes the gaps are printed and nothing happens (exit code 2).";
  }
  std::string examples() const override {
    return "changevault ack inventory_db products 2025/01/15 14 --reason \"outage, the source lost these "
           "too\"\n"
           "changevault ack --list\n"
           "changevault ack --take-back 3 --reason \"found in a backup\"";
  }
  bool takes_csv() const override { return true; }
  void add_options(Options& options) override {
    scope_.add_to(options);
    options.add_option("--reason", reason_, "why; kept with your name and the time")->type_name("TEXT");
    options.add_flag("--yes,-y", yes_, "do not ask");
    options.add_flag("--list", list_, "all acknowledgements, those taken back too");
    options.add_option("--take-back", take_back_, "these gaps are not accepted any more")->type_name("ID");
  }

  Result<int> run(Context& context) override {
    CV_ASSIGN(const Scope scope, scope_.scope());
    CV_TRY(check_flags(scope));
    if (context.out.csv_wanted() && !list_) return no_csv("ack without --list");
    if (list_) return print_list(context);
    if (take_back_) return take_back(context);
    return acknowledge(context, scope);
  }

 private:
  Result<void> check_flags(const Scope& scope) const {
    const bool scoped = scope != Scope{};
    if (static_cast<int>(scoped) + static_cast<int>(list_) + static_cast<int>(take_back_.has_value()) > 1) {
      return Error(ErrorCode::kUsage, "a scope, --list and --take-back are three different things", "",
                   "give one of them");
    }
    if (list_ || take_back_) return {};
    if (!scoped) {
      return Error(
          ErrorCode::kUsage, "it is not said what to acknowledge", "",
          "name database, collection and time, as in: changevault ack inventory_db products 2025/01/15 14 "
          "--reason \"…\"; see the gaps with: changevault gaps");
    }
    if (reason_.find_first_not_of(" \t\r\n") == std::string::npos) {
      return Error(ErrorCode::kUsage, "an acknowledgement needs a reason", "",
                   "say why these gaps are accepted: --reason \"…\"");
    }
    if (reason_.size() > kLongestReason)
      return Error(ErrorCode::kUsage, "the reason is too long", std::to_string(reason_.size()) + " bytes",
                   "keep it below " + std::to_string(kLongestReason) + " bytes");
    return {};
  }

  static Actor actor(const Context& context) {
    return {context.identity.user, context.identity.host, "changevault " + context.identity.version};
  }

  static Result<AckWriter> writer(Context& context) {
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    return AckWriter{*store, context.parts.layout(), context.parts.clock(), context.parts.random(),
                     context.identity.owner()};
  }

  Result<int> acknowledge(Context& context, const Scope& scope) const {
    CV_ASSIGN(KnownArchive archive, context.known_archive(scope));
    CV_ASSIGN(const GapFinding found, find_watched_gaps(context, archive, scope));
    complain_of_damage(context.out, found.acks);
    std::vector<FoundGap> open = found.gaps;
    std::erase_if(open, [](const FoundGap& gap) { return gap.ack.has_value(); });
    const std::size_t before = found.gaps.size() - open.size();
    std::vector<Slot> ids;
    bool agreed = true;
    if (!open.empty()) {
      if (!context.out.json_wanted()) print_gap_lines(context.out, found.coverage, open, kMostLines);
      if (archive.by_ledger) note_unsealed(context, *archive.by_ledger, open);
      agreed = yes_ || context.confirm("acknowledge " + counted(size_of(open), "gap") + "?");
      if (agreed) {
        CV_ASSIGN(ids, write(context, found.coverage, open, scope));
      }
    }
    report(context, found.coverage, open, before, ids, agreed);
    return agreed ? kExitDone : kExitUsage;
  }

  Result<std::vector<Slot>> write(Context& context, const Coverage& coverage,
                                  const std::vector<FoundGap>& open, const Scope& scope) const {
    Acknowledgement what{actor(context), reason_, to_string(scope), {}};
    for (const FoundGap& gap : open)
      what.cells.push_back({gap.hour, coverage.namespaces[gap.ns], gap.state, gap.evidence});
    CV_ASSIGN(AckWriter to, writer(context));
    return to.acknowledge(what);
  }

  static std::int64_t size_of(const std::vector<FoundGap>& gaps) {
    return static_cast<std::int64_t>(gaps.size());
  }

  static void note_unsealed(Context& context, const HourCatalog& hours, const std::vector<FoundGap>& open) {
    std::int64_t unsealed = 0;
    for (const FoundGap& gap : open) unsealed += hours.is_sealed(gap.hour) ? 0 : 1;
    if (unsealed == 0) return;
    context.out.note("note: " + with_thousands(unsealed) +
                     (unsealed == 1 ? " of them is in an hour" : " of them are in hours") +
                     " not complete yet; with any further event there it is a gap again");
  }

  static void report(Context& context, const Coverage& coverage, const std::vector<FoundGap>& open,
                     std::size_t before, const std::vector<Slot>& ids, bool agreed) {
    Output& out = context.out;
    if (out.json_wanted()) {
      Json cells = Json::array();
      for (const FoundGap& gap : open)
        cells.push_back(to_json(gap.hour, coverage.namespaces[gap.ns], gap.state, gap.evidence.numbers));
      Json slots = Json::array();
      for (const Slot id : ids) slots.push_back(id.value);
      out.print_json({{"acknowledged", agreed ? open.size() : 0},
                      {"already_acknowledged", before},
                      {"ids", std::move(slots)},
                      {"cells", std::move(cells)}});
    }
    if (!agreed) {
      out.note("nothing was changed; say --yes to acknowledge without being asked");
      return;
    }
    if (out.json_wanted()) return;
    if (open.empty() && before == 0 && coverage.gaps_outside() == 0)
      out.print("there are no gaps in this scope, so there is nothing to acknowledge");
    if (open.empty() && before > 0)
      out.print("all gaps of this scope are acknowledged already (" +
                with_thousands(static_cast<std::int64_t>(before)) + ")");
    if (coverage.gaps_outside() > 0) {
      out.print(
          "rows outside the archive's hours cannot be acknowledged: delete them, or name the hours that "
          "matter with --from and --to");
    }
    for (const Slot id : ids) {
      out.print(out.paint(Color::kGreen, "done") + ": acknowledged as " + std::to_string(id.value) +
                "; take it back with: changevault ack --take-back " + std::to_string(id.value));
    }
  }

  Result<int> take_back(Context& context) const {
    std::int64_t id = -1;
    const char* const end = take_back_->data() + take_back_->size();
    if (const auto [stop, failed] = std::from_chars(take_back_->data(), end, id);
        failed != std::errc() || stop != end || id < 0) {
      return Error(ErrorCode::kUsage, "this is no id of an acknowledgement", *take_back_,
                   "ids are whole numbers; see them with: changevault ack --list");
    }
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    CV_ASSIGN(const Acks acks, Acks::read(*store, context.parts.layout()));
    complain_of_damage(context.out, acks);
    Output& out = context.out;
    if (const Acks::Given* const given = acks.find(Slot(id)); given != nullptr && !given->taken_back) {
      if (!out.json_wanted()) {
        out.print(counted(static_cast<std::int64_t>(given->what.cells.size()), "gap") + " of " +
                  printable(given->what.scope) + ", accepted by " + printable(given->what.actor.user) + ": " +
                  printable(given->what.reason));
      }
      if (!yes_ && !context.confirm("take it back?")) {
        if (out.json_wanted()) out.print_json({{"taken_back", nullptr}});
        out.note("nothing was changed; say --yes to take it back without being asked");
        return kExitUsage;
      }
    }
    CV_ASSIGN(AckWriter to, writer(context));
    CV_TRY(to.take_back({actor(context), reason_, Slot(id)}));
    if (out.json_wanted()) {
      out.print_json({{"taken_back", id}});
    } else {
      out.print(out.paint(Color::kGreen, "done") + ": its gaps count again");
    }
    return kExitDone;
  }

  // A line for each acknowledgement; of its cells the number.
  static void print_csv(Output& out, const Acks& acks) {
    CsvRows rows(out, {"id", "state", "time", "user", "host", "reason", "scope", "cells", "taken_back.time",
                       "taken_back.user", "taken_back.host", "taken_back.reason"});
    for (const Acks::Given& one : acks.given()) {
      Json row = to_json(one);
      row["cells"] = one.what.cells.size();
      rows.add(row);
    }
    complain_of_damage(out, acks);
  }

  static Result<int> print_list(Context& context) {
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    CV_ASSIGN(const Acks acks, Acks::read(*store, context.parts.layout()));
    Output& out = context.out;
    const int code = acks.damage().empty() ? kExitDone : kExitFailed;
    if (out.json_wanted()) {
      Json given = Json::array();
      for (const Acks::Given& one : acks.given()) given.push_back(to_json(one));
      Json damage = Json::array();
      for (const Error& error : acks.damage())
        damage.push_back({{"key", error.object}, {"detail", error.message}});
      out.print_json({{"acknowledgements", std::move(given)}, {"damage", std::move(damage)}});
      return code;
    }
    if (out.csv_wanted()) {
      print_csv(out, acks);
      return code;
    }
    if (acks.given().empty()) out.print("no gap was ever acknowledged");
    Table table({{"ID", Table::Align::kRight},
                 {"STATE"},
                 {"TIME (UTC)"},
                 {"BY"},
                 {"GAPS", Table::Align::kRight},
                 {"SCOPE"},
                 {"REASON"}});
    for (const Acks::Given& one : acks.given()) {
      std::string state = state_of(one);
      std::replace(state.begin(), state.end(), '_', ' ');
      table.add({std::to_string(one.id.value), state, human_time(one.time).substr(0, 16),
                 one.what.actor.user + "@" + one.what.actor.host,
                 with_thousands(static_cast<std::int64_t>(one.what.cells.size())), one.what.scope,
                 one.what.reason});
    }
    if (table.rows() > 0) ignore_error(out.write(table.to_string()), "kept for flush");
    for (const Error& error : acks.damage()) {
      out.print(out.paint(Color::kRed, "damaged: ") + printable(error.to_string()));
    }
    if (!acks.damage().empty())
      out.print(
          "what was acknowledged up to the last damaged one is void: acknowledge again what is still "
          "accepted");
    return code;
  }

  ScopeOptions scope_;
  std::string reason_;
  bool yes_ = false;
  bool list_ = false;
  std::optional<std::string> take_back_;
};

}  // namespace

std::unique_ptr<Verb> make_ack_verb() {
  return std::make_unique<AckVerb>();
}

}  // namespace changevault
