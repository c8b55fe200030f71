// A condition as people write it, and an event: the quick way of asking its line says what the scanned record
// says. Behind it the same text as a record of anybody's: any answer but a crash.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "codec/record_builder.h"
#include "codec/record_conditions.h"
#include "codec/record_front.h"
#include "codec/record_scanner.h"

namespace {

using namespace changevault;

std::string line_of(const std::string& event) {
  RecordBuilder builder({"s", "h", Epoch(0)});
  const HubEvent hub_event{PartitionId(1), Sequence(2), "2", Timestamp{0}, event};
  const auto parsed = builder.parse(hub_event);
  if (!parsed) return {};
  std::string line;
  builder.append_record(*parsed, hub_event, {}, {}, line);
  line.pop_back();
  return line;
}

void ask_anybodys(RecordConditions& conditions, const std::string& text) {
  RecordScanner scanner;
  if (const auto record = scanner.scan(text)) conditions.hold(*record);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = text.find('\n');
  if (end == std::string::npos) return 0;
  const std::string asked = text.substr(0, end);
  Scope scope;
  if (asked.starts_with("key=")) {
    scope.key = asked.substr(4);
  } else {
    const auto condition = read_condition(asked);
    if (!condition) return 0;
    scope.where = {*condition};
  }
  auto conditions = RecordConditions::of(scope);
  if (!conditions) return 0;
  for_choosing_files(scope);
  const std::string rest = text.substr(end + 1);
  ask_anybodys(*conditions, rest);
  const std::string line = line_of(rest);
  if (line.empty()) return 0;
  RecordScanner scanner;
  RecordFrontReader fronts;
  const auto record = scanner.scan(line);
  const auto front = fronts.read(line);
  if (!record || !front) std::abort();
  const std::optional<bool> quick = conditions->hold_in_line(*front, fronts.behind());
  if (quick && *quick != conditions->hold(*record)) std::abort();
  return 0;
}
