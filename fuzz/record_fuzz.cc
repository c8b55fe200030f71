// Any bytes as a record line: what the strict scanner accepts, the other one reads the same.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "codec/record_scanner.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace changevault;
  std::string line(reinterpret_cast<const char*>(data), size);
  line.reserve(size + kScanPadding);
  (void)leading_event_id(line);
  RecordScanner strict;
  RecordScanner lenient;
  const auto a = strict.scan(line, true);
  const auto b = lenient.scan(line);
  if (!a.has_value()) return 0;
  if (!b.has_value() || a->event_id != b->event_id || a->raw_event != b->raw_event ||
      a->full_document != b->full_document || a->enqueued_time != b->enqueued_time) {
    std::abort();
  }
  return 0;
}
