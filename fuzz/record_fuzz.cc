// Any bytes as a record line: what the strict scanner accepts, the other one reads the same, and so does who
// reads the front alone.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "codec/record_front.h"
#include "codec/record_scanner.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace changevault;
  std::string line(reinterpret_cast<const char*>(data), size);
  line.reserve(size + kScanPadding);
  RecordScanner strict;
  RecordScanner lenient;
  const auto a = strict.scan(line, true);
  const auto b = lenient.scan(line);
  if (!a.has_value()) return 0;
  if (!b.has_value() || a->event_id != b->event_id || a->raw_event != b->raw_event ||
      a->full_document != b->full_document || a->enqueued_time != b->enqueued_time) {
    std::abort();
  }
  RecordFrontReader fronts;
  const auto front = fronts.read(line);
  if (front && (front->event_id != a->event_id || front->processed_timestamp != a->processed_timestamp ||
                front->partition_id != a->partition_id || front->offset != a->offset ||
                front->sequence_number != a->sequence_number || front->enqueued_time != a->enqueued_time ||
                front->operation_type != a->operation_type || front->database_name != a->database_name ||
                front->collection_name != a->collection_name)) {
    std::abort();
  }
  return 0;
}
