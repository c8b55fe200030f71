#include "recovery/audit.h"

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

namespace changevault {
namespace {

PastRecovery read_recovery(ObjectStore& store, const KeyLayout& layout, std::string id) {
  PastRecovery past;
  past.id = std::move(id);
  const std::string key = layout.recovery_plan(past.id);
  const auto read_plan = [&]() -> Result<AnyPlan> {
    CV_ASSIGN(const std::string bytes, store.get(key));
    return decode_any_plan(bytes, key);
  };
  if (Result<AnyPlan> plan = read_plan(); !plan) {
    past.damage = std::move(plan).error();
  } else if (RemovalPlan* const removal = std::get_if<RemovalPlan>(&*plan)) {
    past.removal = std::move(*removal);
  } else {
    past.plan = std::get<RecoveryPlan>(std::move(*plan));
  }
  if (Result<std::vector<JournalEntry>> journal = read_journal(store, layout, past.id)) {
    past.journal = std::move(journal).value();
  } else {
    past.damage = std::move(journal).error();
  }
  return past;
}

}  // namespace

std::string PastRecovery::state() const {
  if (damage) return "damaged";
  return journal.empty() ? "planned" : name(journal.back().step);
}

Timestamp PastRecovery::created() const {
  return plan ? plan->created : removal ? removal->created : Timestamp{};
}

Result<std::vector<PastRecovery>> past_recoveries(ObjectStore& store, const KeyLayout& layout) {
  const std::string prefix = layout.recoveries_prefix();
  std::vector<std::string> ids;
  std::string continuation;
  do {
    CV_ASSIGN(ListPage page, store.list(prefix, '/', continuation));
    for (const std::string& folder : page.prefixes) {
      ids.push_back(folder.substr(prefix.size(), folder.size() - prefix.size() - 1));
    }
    continuation = std::move(page.next);
  } while (!continuation.empty());
  std::vector<PastRecovery> recoveries;
  for (std::string& id : ids) recoveries.push_back(read_recovery(store, layout, std::move(id)));
  // Ids begin with a second; within it the plan's own time tells.
  std::ranges::sort(recoveries, std::ranges::greater(), [](const PastRecovery& past) {
    return std::tuple(past.id.substr(0, past.id.find('_')), past.created().ms, past.id);
  });
  return recoveries;
}

}  // namespace changevault
