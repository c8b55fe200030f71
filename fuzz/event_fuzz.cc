// Any bytes as a hub message: refused with a reason, or a record that the strict scanner reads back.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "codec/record_builder.h"
#include "codec/record_scanner.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace changevault;
  const std::string_view payload(reinterpret_cast<const char*>(data), size);
  const HubEvent event{PartitionId(1), Sequence(2), "2", Timestamp{0}, payload};
  RecordBuilder builder({"source", "hub", Epoch(0)});
  const auto parsed = builder.parse(event);
  std::string line;
  if (!parsed) {
    if (parsed.error().empty()) std::abort();
    RecordBuilder::append_dead_letter(parsed.error(), event, {}, {}, line);
    if (line.find('\n') != line.size() - 1) std::abort();
    return 0;
  }
  builder.append_record(*parsed, event, {}, {}, line);
  if (line.find('\n') != line.size() - 1) std::abort();
  line.pop_back();
  RecordScanner scanner;
  const auto record = scanner.scan(line, true);
  if (!record.has_value() || record->raw_event != parsed->raw || record->operation_type != parsed->operation)
    std::abort();
  return 0;
}
