// The audit trail of repairs. Lines of any text, sealed, as its slots: refused with a reason, or repairs in
// the order of their begin, each read the same whatever stands behind it. And lines of text as the items of a
// repair: what is written down is read back.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "archive/repair_journal.h"
#include "base/manual_clock.h"
#include "codec/json.h"
#include "fuzz/fuzzing.h"
#include "store/memory/memory_store.h"

namespace {

using namespace changevault;
using namespace changevault::fuzzing;

class Counting final : public Random {
 public:
  std::uint64_t next() override { return ++last_; }

 private:
  std::uint64_t last_ = 0;
};

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty() && lines.size() < 64) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void read_any_slots(const std::vector<std::string>& lines) {
  const KeyLayout layout("root");
  ManualClock clock(Timestamp{0});
  MemoryStore store(clock);
  std::vector<std::string> ids;
  for (const std::string& line : lines) {
    const Slot slot(static_cast<std::int64_t>(&line - lines.data()));
    require(
        store.put_if_absent(layout.repair_chain() + KeyLayout::slot_name(slot), sealed(line)).has_value());
    const auto repairs = past_repairs(store, layout);
    if (!repairs) {
      require_refusal(repairs.error(), layout.repair_chain());
      return;
    }
    // A slot begins a repair or ends one.
    require(repairs->size() == ids.size() || repairs->size() == ids.size() + 1);
    if (repairs->size() > ids.size()) ids.push_back(repairs->back().id);
    for (std::size_t i = 0; i < ids.size(); ++i) require((*repairs)[i].id == ids[i]);
  }
}

// What cannot stand in JSON becomes U+FFFD on the way.
std::string as_written(const std::string& text) {
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

void write_and_read(const std::vector<std::string>& lines) {
  const KeyLayout layout("root");
  ManualClock clock(Timestamp{1736949787042});
  MemoryStore store(clock);
  Counting random;
  RepairJournal journal({store, layout, clock, random});
  const RepairActor actor{lines[0], "host", "program"};
  RepairPlan plan;
  for (const std::string& line : lines) {
    RepairItem item;
    item.action = static_cast<RepairAction>(line.size() % 3);
    item.key = item.detail = item.sources = as_written(line);
    if (item.action != RepairAction::kRemoveLeftover) item.sha256 = sha256_hex(line);
    plan.items.push_back(item);
  }
  auto outcome = journal.begin(plan, actor);
  require(outcome.has_value());
  for (const RepairItem& item : plan.items) {
    if (item.key.size() % 2 == 0) {
      outcome->done.push_back(item.key);
    } else {
      outcome->not_done.push_back({item.key, item.detail, {}});
    }
  }
  const auto begun = past_repairs(store, layout);
  require(begun && begun->size() == 1 && !begun->front().ended && begun->front().planned == plan.items);
  require(begun->front().actor.user == as_written(actor.user));
  clock.advance(seconds(1));
  require(journal.end(*outcome, actor).has_value());
  const auto ended = past_repairs(store, layout);
  require(ended && ended->size() == 1 && ended->front().ended == clock.now());
  require(ended->front().id == outcome->id && ended->front().planned == plan.items);
  require(ended->front().done == outcome->done && ended->front().not_done == outcome->not_done);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::string> lines = lines_of({reinterpret_cast<const char*>(data), size});
  if (lines.empty()) return 0;
  read_any_slots(lines);
  write_and_read(lines);
  return 0;
}
