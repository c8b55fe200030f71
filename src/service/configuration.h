// What `changevault.toml`, the environment and the flags say, as one checked value.
//
// Every key can be given in three places; flags win over the environment, the environment over the file, the
// file over the built-in default. One table (configuration_keys) drives reading, the commented file that
// `init` writes, and suggestions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace changevault {

struct Configuration {
  struct Source {
    std::string id;
  } source;
  struct Hub {
    std::string url;  // paths in URLs are absolute
    std::string group;
    std::int32_t partitions = 0;
    Duration lease;
    Duration retention;                // zero: for ever
    std::int64_t retention_bytes = 0;  // zero: without limit
    std::string secret_file;           // absolute; empty: none
    std::string resource_id;           // of an Event Hubs namespace, for its management; empty: not said
    std::map<std::string, std::string> options;  // of the Kafka client, by their own names; may hold secrets
  } hub;
  struct Store {
    std::string url;  // may hold a secret: show it by without_secrets
    std::string root;
    std::string secret_file;  // absolute; empty: none
  } store;
  struct Warehouse {
    std::string url;
    std::string table;
    Duration lock_timeout;
    std::int64_t memory = 0;
  } warehouse;
  struct Archive {
    Duration flush_interval;
    std::int64_t segment_bytes = 0;
    std::int64_t memory = 0;
    int gzip_level = 0;
  } archive;
  struct Load {
    Duration grace;
    Duration poll_interval;
    std::int64_t batch_bytes = 0;
  } load;
  struct Verify {
    std::string memory;  // absolute path of a file of this machine
  } verify;

  std::filesystem::path file;  // absolute; where it is, or where `init` would write it
  bool file_exists = false;
  // Variables of the environment that look like ours and are none, each with a hint. Not an error: they may
  // be another version's.
  std::vector<std::string> unknown_variables;
};

using Environment = std::map<std::string, std::string>;

struct ConfigurationSources {
  std::string file;                // --config; empty: $CHANGEVAULT_CONFIG, else ./changevault.toml
  std::vector<std::string> flags;  // "section.key=value", in their order
  Environment environment;
  std::filesystem::path working_directory;
};

// Errors are kUsage and name the place (file and line, variable or flag), what stands there, and what would
// be right. With `file_required`, a missing file is one too, unless the URLs of hub, store and warehouse come
// from elsewhere.
Result<Configuration> load_configuration(const ConfigurationSources& sources, bool file_required);

// A store's URL as the key store.url takes it; paths count from `folder`. kUsage where it is none.
Result<std::string> store_url(const std::string& text, const std::filesystem::path& folder);

// The commented file with every key: the values of `flags`, else the defaults.
Result<std::string> configuration_template(const std::vector<std::string>& flags);

// A key of the table.
struct ConfigurationKey {
  const char* section;
  const char* name;
  bool text;            // a TOML string; else an integer
  const char* initial;  // the default, as text
  const char* help;
  // Sets the field from a text; the error says what is expected.
  Result<void> (*set)(Configuration& into, const std::string& value);

  std::string path() const { return std::string(section) + "." + name; }
  std::string variable() const;  // "CHANGEVAULT_HUB_URL"
};
const std::vector<ConfigurationKey>& configuration_keys();

// A value as it was written, and where.
struct WrittenValue {
  std::string text;
  std::string place;  // "changevault.toml line 7"
};
using WrittenValues =
    std::map<std::string, WrittenValue>;  // by "section.key"; "hub.options.NAME" for the client's own

// The keys of a TOML text. Pure: no file is touched.
Result<WrittenValues> read_configuration_text(std::string_view text, const std::string& name);

// "64KiB", "128MiB", "1GiB", "10MB", "4096" to bytes; nullopt for anything else.
std::optional<std::int64_t> parse_bytes(std::string_view text);

// "sqlite:/data/hub.db" as its scheme and the rest.
struct Url {
  std::string scheme;
  std::string rest;
};
std::optional<Url> split_url(std::string_view url);

}  // namespace changevault
