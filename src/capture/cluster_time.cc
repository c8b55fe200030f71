#include "capture/cluster_time.h"

#include "codec/bson_timestamp.h"

namespace changevault {
namespace {

constexpr std::size_t kMaxDepth = 512;

}  // namespace

ClusterTimeReader::ClusterTimeReader() : reader_(kMaxDepth) {}

std::optional<Timestamp> ClusterTimeReader::read(std::string_view event) {
  if (!reader_.open(event, false) || reader_.peek() != '{') return std::nullopt;
  ObjectFields fields(reader_);
  std::string_view key;
  std::string_view value;
  while (fields.next(key)) {
    if (key != "clusterTime") {
      if (!reader_.skip(value)) return std::nullopt;
      continue;
    }
    const JsonReader::Mark start = reader_.mark();
    if (!reader_.check(value)) return std::nullopt;
    reader_.rewind(start);
    const auto time = read_timestamp(reader_);
    if (!time) return std::nullopt;
    return Timestamp{std::int64_t{time->seconds} * 1000};
  }
  return std::nullopt;
}

}  // namespace changevault
