// The table of keys: name, default, help, and how a text becomes the field.
#include <charconv>
#include <limits>

#include "net/url_text.h"
#include "service/configuration.h"

namespace changevault {
namespace {

Error expected(const std::string& value, const std::string& what, const std::string& hint) {
  return Error(ErrorCode::kUsage, "\"" + value + "\" is not " + what, {}, hint);
}

Result<void> set_text(std::string& field, const std::string& value, const std::string& what) {
  if (value.empty()) return Error(ErrorCode::kUsage, what + " must not be empty");
  field = value;
  return {};
}

Result<void> set_url(std::string& field, const std::string& value, const std::string& example) {
  if (!split_url(value)) return expected(value, "a URL", "write it like \"" + example + "\"");
  field = value;
  return {};
}

template <typename Int>
Result<void> set_number(Int& field, const std::string& value, std::int64_t low, std::int64_t high) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool whole = error == std::errc() && end == value.data() + value.size();
  if (!whole || number < low || number > high) {
    return expected(value, "a whole number from " + std::to_string(low) + " to " + std::to_string(high), {});
  }
  field = static_cast<Int>(number);
  return {};
}

Result<void> set_duration(Duration& field, const std::string& value, Duration low,
                          const std::string& example) {
  const std::string hint = "write it like \"" + example + "\"; units are ms, s, min, h and d";
  const auto duration = parse_duration(value);
  if (!duration) return expected(value, "a duration", hint);
  if (*duration < low) return expected(value, "at least " + to_string(low), hint);
  field = *duration;
  return {};
}

Result<void> set_duration_or_zero(Duration& field, const std::string& value, Duration low,
                                  const std::string& example) {
  if (value != "0") return set_duration(field, value, low, example);
  field = {};
  return {};
}

Result<void> set_bytes(std::int64_t& field, const std::string& value, std::int64_t low,
                       const std::string& example) {
  const std::string hint = "write it like \"" + example + "\"; units are KiB, MiB, GiB, KB, MB and GB";
  const auto bytes = parse_bytes(value);
  if (!bytes) return expected(value, "a size", hint);
  if (*bytes < low) return expected(value, "at least " + std::to_string(low) + " bytes", hint);
  field = *bytes;
  return {};
}

Result<void> set_group(Configuration& c, const std::string& v) {
  if (v.empty()) {
    return Error(
        ErrorCode::kUsage, "the consumer group must not be empty", {},
        "name a group, for example \"snowflake-pipeline\", or take the setting away to use that one");
  }
  c.hub.group = v;
  return {};
}

// Azure's connection strings are taken as they are; they have no scheme of their own.
Result<void> set_store_url(Configuration& c, const std::string& v) {
  const auto holds = [&](const char* word) { return v.find(word) != std::string::npos; };
  const bool bare = !v.starts_with("azure:") &&
                    (holds("AccountName=") || holds("BlobEndpoint=") || holds("UseDevelopmentStorage="));
  if (bare) {
    c.store.url = "azure:" + v;
    return {};
  }
  if (holds_secret(v) && !split_url(v)) return Error(ErrorCode::kUsage, "this is not a URL");
  return set_url(c.store.url, v, "file:data/archive");
}

Result<void> set_root(Configuration& c, const std::string& v) {
  const bool sound = v.empty() || (v.front() != '/' && v.back() != '/' && v.find("//") == std::string::npos &&
                                   v.find("..") == std::string::npos);
  if (!sound) {
    return expected(v, "a folder name inside the store",
                    "write it like \"changestreams\", without / at its ends");
  }
  c.store.root = v;
  return {};
}

}  // namespace

// One source of truth; keep the order of sections as people read them in the file.
const std::vector<ConfigurationKey>& configuration_keys() {
  using C = Configuration;
  using V = const std::string&;
  static const std::vector<ConfigurationKey> kKeys = {
      {"source", "id", true, "default",
       "Name of the MongoDB deployment. Part of every event id: never change it once events are archived.",
       [](C& c, V v) { return set_text(c.source.id, v, "the name of the source"); }},
      {"hub", "url", true, "sqlite:data/hub.db", "Where change events wait to be archived.",
       [](C& c, V v) { return set_url(c.hub.url, v, "sqlite:data/hub.db"); }},
      {"hub", "group", true, "snowflake-pipeline",
       "Consumer group of the archive; nobody else may read with it.", set_group},
      {"hub", "partitions", false, "4",
       "Partitions of an embedded hub, or of a topic that `changevault init` makes. It adds some to an "
       "embedded hub where this is raised; never lower it.",
       [](C& c, V v) { return set_number(c.hub.partitions, v, 1, 1024); }},
      {"hub", "lease", true, "10s",
       "How long a reader of an embedded hub may stall before others of its group take over its partitions.",
       [](C& c, V v) { return set_duration(c.hub.lease, v, milliseconds(100), "10s"); }},
      {"hub", "retention", true, "0",
       "How long an embedded hub keeps events, read or not, for example 7d; 0: for ever.",
       [](C& c, V v) { return set_duration_or_zero(c.hub.retention, v, seconds(1), "7d"); }},
      {"hub", "retention_bytes", true, "0",
       "How many bytes of events an embedded hub keeps, all partitions together, for example 50GiB; 0: no "
       "limit.",
       [](C& c, V v) { return set_bytes(c.hub.retention_bytes, v, 0, "50GiB"); }},
      {"hub", "secret_file", true, "",
       "File with the secret of a hub: for Event Hubs a connection string, for Kafka lines like "
       "sasl.password=… Empty: EVENTHUBS_CONNECTION_STRING, or CHANGEVAULT_HUB_OPTIONS_SASL_PASSWORD, of the "
       "environment, else (Event Hubs) a token.",
       [](C& c, V v) -> Result<void> {
         c.hub.secret_file = v;
         return {};
       }},
      {"hub", "resource_id", true, "",
       "Azure resource id of an Event Hubs namespace, for `changevault groups … --management` alone.",
       [](C& c, V v) -> Result<void> {
         c.hub.resource_id = v;
         return {};
       }},
      {"store", "url", true, "file:data/archive", "Where the archive is kept.", set_store_url},
      {"store", "root", true, "changestreams", "Folder of the archive inside the store.", set_root},
      {"store", "secret_file", true, "",
       "File that holds a connection string, a SAS or an account key for the store. Empty: AZURE_STORAGE_… "
       "of the "
       "environment, else a token (az login, managed identity, …).",
       [](C& c, V v) -> Result<void> {
         c.store.secret_file = v;
         return {};
       }},
      {"warehouse", "url", true, "duckdb:data/warehouse.duckdb", "Where the events are queried.",
       [](C& c, V v) { return set_url(c.warehouse.url, v, "duckdb:data/warehouse.duckdb"); }},
      {"warehouse", "table", true, "mongodb_changes", "Table of the records.",
       [](C& c, V v) { return set_text(c.warehouse.table, v, "the table's name"); }},
      {"warehouse", "lock_timeout", true, "60s",
       "How long to wait for another process that holds the warehouse.",
       [](C& c, V v) { return set_duration(c.warehouse.lock_timeout, v, milliseconds(0), "60s"); }},
      {"warehouse", "memory", true, "2GiB", "Memory of an embedded warehouse; beyond it, it spills to disk.",
       [](C& c, V v) { return set_bytes(c.warehouse.memory, v, 64 << 20, "2GiB"); }},
      {"archive", "flush_interval", true, "60s",
       "Events are archived at least this often. Longer gives fewer, larger segments: 5min for production.",
       [](C& c, V v) { return set_duration(c.archive.flush_interval, v, milliseconds(1), "60s"); }},
      {"archive", "segment_bytes", true, "128MiB", "Largest segment, compressed.",
       [](C& c, V v) { return set_bytes(c.archive.segment_bytes, v, 1024, "128MiB"); }},
      {"archive", "memory", true, "256MiB",
       "Memory for segments being filled; over it the largest are written.",
       [](C& c, V v) { return set_bytes(c.archive.memory, v, 1 << 20, "256MiB"); }},
      {"archive", "gzip_level", false, "1", "Compression from 0 (fastest) to 3 (smallest).",
       [](C& c, V v) { return set_number(c.archive.gzip_level, v, 0, 3); }},
      {"load", "grace", true, "1h",
       "How long an archived segment may wait to be loaded before it counts as a gap.",
       [](C& c, V v) { return set_duration(c.load.grace, v, milliseconds(0), "1h"); }},
      {"load", "poll_interval", true, "2s", "How often the loader looks for new segments.",
       [](C& c, V v) { return set_duration(c.load.poll_interval, v, milliseconds(1), "2s"); }},
      {"load", "batch_bytes", true, "1GiB", "Text loaded in one transaction, before compression.",
       [](C& c, V v) { return set_bytes(c.load.batch_bytes, v, 1, "1GiB"); }},
      {"verify", "memory", true, "data/verify.memory",
       "File of this machine, outside of the archive, that remembers what was verified when.",
       [](C& c, V v) { return set_text(c.verify.memory, v, "the name of the file"); }},
  };
  return kKeys;
}

std::string ConfigurationKey::variable() const {
  std::string out = "CHANGEVAULT_" + std::string(section) + "_" + name;
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

std::optional<std::int64_t> parse_bytes(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  struct Unit {
    std::string_view name;
    std::int64_t bytes;
  };
  constexpr Unit kUnits[] = {{"", 1},          {"B", 1},     {"KiB", 1 << 10},  {"MiB", 1 << 20},
                             {"GiB", 1 << 30}, {"KB", 1000}, {"MB", 1'000'000}, {"GB", 1'000'000'000}};
  for (const Unit& u : kUnits) {
    if (u.name != unit) continue;
    if (number > std::numeric_limits<std::int64_t>::max() / u.bytes) return std::nullopt;
    return number * u.bytes;
  }
  return std::nullopt;
}

std::optional<Url> split_url(std::string_view url) {
  const std::size_t colon = url.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == url.size()) return std::nullopt;
  for (const char c : url.substr(0, colon)) {
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '+') return std::nullopt;
  }
  return Url{std::string(url.substr(0, colon)), std::string(url.substr(colon + 1))};
}

}  // namespace changevault
