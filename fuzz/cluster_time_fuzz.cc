// Any JSON value as a cluster time: the same verdict as a plain walk over a DOM; and what an event's
// clusterTime is, its record's cluster_time is too.
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include <nlohmann/json.hpp>

#include "codec/bson_timestamp.h"
#include "codec/event_parser.h"
#include "codec/record_builder.h"
#include "codec/record_scanner.h"
#include "fuzz/fuzzing.h"

namespace {

using namespace changevault;
using namespace changevault::fuzzing;
using Dom = nlohmann::json;

// The document; discarded where any object has a field twice.
Dom parse_without_twins(std::string_view text) {
  std::vector<std::set<std::string>> open;
  bool twins = false;
  const auto see = [&](int, Dom::parse_event_t event, Dom& value) {
    if (event == Dom::parse_event_t::object_start) open.emplace_back();
    if (event == Dom::parse_event_t::key) twins |= !open.back().insert(value.get<std::string>()).second;
    if (event == Dom::parse_event_t::object_end) open.pop_back();
    return true;
  };
  Dom document = Dom::parse(text, see, false);
  return twins ? Dom(Dom::value_t::discarded) : document;
}

std::optional<std::uint64_t> read_digits(const Dom& value, std::uint64_t most) {
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  if (text.empty()) return std::nullopt;
  __extension__ unsigned __int128 number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<unsigned>(c - '0');
    if (number > most) return std::nullopt;
  }
  return static_cast<std::uint64_t>(number);
}

std::optional<std::uint32_t> slow_part(const Dom& value) {
  std::optional<std::uint64_t> number;
  if (value.is_number_unsigned()) number = value.get<std::uint64_t>();
  if (value.is_object() && value.size() == 1) {
    for (const char* const wrapper : {"$numberInt", "$numberLong"}) {
      if (value.contains(wrapper)) number = read_digits(value[wrapper], UINT32_MAX);
    }
  }
  if (!number || *number > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

std::optional<BsonTimestamp> slow_timestamp(const Dom& value) {
  if (!value.is_object() || value.size() != 1 || !value.contains("$timestamp")) return std::nullopt;
  const Dom& inside = value["$timestamp"];
  if (const auto bits = read_digits(inside, UINT64_MAX))
    return BsonTimestamp{static_cast<std::uint32_t>(*bits >> 32), static_cast<std::uint32_t>(*bits)};
  if (!inside.is_object() || inside.size() != 2 || !inside.contains("t") || !inside.contains("i"))
    return std::nullopt;
  const auto seconds = slow_part(inside["t"]);
  const auto increment = slow_part(inside["i"]);
  if (!seconds || !increment) return std::nullopt;
  return BsonTimestamp{*seconds, *increment};
}

std::optional<BsonTimestamp> read_alone(std::string_view text) {
  JsonReader reader(kMaxEventDepth);
  std::string_view slice;
  require(reader.open(text, true) && reader.check(slice) && reader.finish());
  reader.rewind({});
  return read_timestamp(reader);
}

// The cluster time of the record that an event with this clusterTime becomes.
std::optional<BsonTimestamp> through_a_record(std::string_view time) {
  const std::string payload = R"({"operationType":"insert","clusterTime":)" + std::string(time) + "}";
  const HubEvent event{PartitionId(0), Sequence(0), "0", Timestamp{0}, payload};
  RecordBuilder builder({"s", "h", Epoch(0)});
  const auto parsed = builder.parse(event);
  require(parsed.has_value());
  std::string line;
  builder.append_record(*parsed, event, {}, {}, line);
  line.reserve(line.size() + kScanPadding);
  line.pop_back();
  RecordScanner scanner;
  const auto record = scanner.scan(line, true);
  require(record.has_value());
  if (!record->cluster_time) return std::nullopt;
  const auto read = read_alone(*record->cluster_time);
  require(read.has_value());
  return read;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  JsonReader reader(kMaxEventDepth - 1);  // the event around it is one more
  std::string_view slice;
  if (!reader.open(text, true) || !reader.check(slice) || !reader.finish()) return 0;
  const auto time = read_alone(text);
  const auto slow = slow_timestamp(parse_without_twins(slice));
  // Names and digits that are written as escapes are not looked for: no driver does that.
  if (time || slice.find('\\') == std::string_view::npos) require(time == slow);
  require(through_a_record(slice) == time);
  return 0;
}
