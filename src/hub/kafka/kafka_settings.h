// Where a Kafka topic or an event hub is and how it is spoken to: URL, settings and secrets as one value.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace changevault::kafka {

// Settings of librdkafka by name ("socket.timeout.ms"), as its CONFIGURATION.md lists them.
using Properties = std::map<std::string, std::string>;

struct Settings {
  bool event_hubs = false;
  std::string servers;  // "host:port,…"
  std::string topic;
  std::string url;         // as it may be shown
  Properties properties;   // may hold secrets: never in a message
  std::string auth_scope;  // of the Entra tokens that are needed; empty: none
  // Largest message with its key and headers, in bytes.
  std::size_t largest_message = 1'000'000;
  bool sized_by_user = false;  // that is what message.max.bytes says
};

// What surrounds a URL. Nothing of it may be shown.
struct SettingsInput {
  std::string scheme;  // "kafka" or "eventhubs"
  std::string place;   // "//host:port[,host:port]/topic"; "//NAMESPACE[.servicebus.windows.net]/HUB"
  Properties options;  // the user's, [hub.options]
  // What hub.secret_file holds, else the environment. For Event Hubs a connection string; for Kafka lines
  // "name=value".
  std::string secret;
};

// kUsage, with what would be right: addresses that are none, a connection string of another namespace or
// hub, secrets in the URL, options that changevault sets itself.
//
// For Event Hubs the defaults are those that Microsoft recommends for librdkafka ("Apache Kafka
// configurations for Azure Event Hubs"), the user's options win over them. Without a connection string the
// namespace is entered with Entra tokens (SASL OAUTHBEARER).
Result<Settings> make_settings(const SettingsInput& input);

// "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=…;SharedAccessKey=…[;EntityPath=hub]".
struct ConnectionString {
  std::string host;  // with its port where it names one
  std::string entity_path;
  bool emulator = false;
};
// kUsage; the message holds nothing of the text.
Result<ConnectionString> parse_connection_string(std::string_view text);

// "a.b=c" lines, '#' begins a comment; kUsage names the line by its number.
Result<Properties> parse_properties(std::string_view text);

}  // namespace changevault::kafka
