#include "hub/kafka/kafka_settings.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/ascii.h"

namespace changevault::kafka {
namespace {

constexpr std::string_view kAzureDomain = ".servicebus.windows.net";
constexpr const char* kKafkaForm = "write it like \"kafka://broker1:9092,broker2:9092/topic\"";
constexpr const char* kEventHubsForm = "write it like \"eventhubs://my-namespace/my-hub\"";

// Event Hubs closes the connection at a request of 1,046,528 bytes; the rest is for the request around the
// message (Microsoft, "Apache Kafka configurations for Azure Event Hubs").
constexpr std::size_t kEventHubsRequest = 1'046'528;
constexpr std::size_t kRoomForRequest = 4096;

// What the archive's correctness hangs on, and why it is not a matter of taste.
struct Owned {
  const char* name;
  const char* why;
};
constexpr std::array kOwned{
    Owned{"bootstrap.servers", "the brokers stand in hub.url"},
    Owned{"metadata.broker.list", "the brokers stand in hub.url"},
    Owned{"group.id", "the group is hub.group"},
    Owned{"enable.auto.commit", "positions are committed once their events are archived"},
    Owned{"enable.auto.offset.store", "positions are committed once their events are archived"},
    Owned{"auto.offset.reset", "a position that the hub no longer has must never be skipped in silence"},
    Owned{"enable.partition.eof", "the end of a partition is a part of the protocol"},
    Owned{"partition.assignment.strategy", "the members of the group hand partitions over one by one"},
    Owned{"group.protocol", "the members of the group hand partitions over one by one"},
    Owned{"enable.idempotence", "a message must not be stored twice by a retry"},
    Owned{"acks", "a message counts once every replica in sync has it"},
    Owned{"request.required.acks", "a message counts once every replica in sync has it"},
    Owned{"partitioner", "the same document always goes to the same partition"},
};

// Settings that librdkafka knows by two names: under the one that is used here, else ours would stand beside
// the user's and win by chance.
Properties with_one_name(const Properties& options) {
  constexpr std::array<std::pair<const char*, const char*>, 7> kAliases{
      {{"sasl.mechanisms", "sasl.mechanism"},
       {"delivery.timeout.ms", "message.timeout.ms"},
       {"compression.codec", "compression.type"},
       {"queue.buffering.max.ms", "linger.ms"},
       {"metadata.broker.list", "bootstrap.servers"},
       {"request.required.acks", "acks"},
       {"message.send.max.retries", "retries"}}};
  Properties out = options;
  for (const auto& [alias, name] : kAliases) {
    const auto found = out.find(alias);
    if (found == out.end()) continue;
    std::string value = found->second;
    out.erase(found);
    out.insert_or_assign(name, std::move(value));
  }
  return out;
}

Result<void> check_option(const std::string& name) {
  for (const Owned& owned : kOwned) {
    if (name == owned.name)
      return Error(ErrorCode::kUsage, "hub.options cannot set " + name + ": " + owned.why, {},
                   "take it out of [hub.options]");
  }
  return {};
}

bool is_topic(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= 249 && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), fits);
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
         std::stoi(std::string(text)) >= 1 && std::stoi(std::string(text)) <= 65535;
}

bool is_host(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

// "host" or "host:port" or "[::1]:port", with the port in every case.
std::optional<std::string> server(std::string_view text, const char* default_port) {
  const bool bracket = text.starts_with('[');
  const std::size_t end_of_host = bracket ? text.find(']') : text.find(':');
  if (bracket && end_of_host == std::string_view::npos) return std::nullopt;
  const std::size_t colon = bracket ? end_of_host + 1 : end_of_host;
  if (colon == std::string_view::npos || colon == text.size())
    return is_host(text) ? std::optional(std::string(text) + ":" + default_port) : std::nullopt;
  const std::string_view host = text.substr(0, colon);
  if (text[colon] != ':' || !is_host(host) || !is_port(text.substr(colon + 1))) return std::nullopt;
  return std::string(text);
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t end = text.find(at);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

struct Place {
  std::string authority;
  std::string topic;
};

Result<Place> split_place(const SettingsInput& input, const char* form) {
  std::string_view text = input.place;
  if (text.starts_with("//")) text.remove_prefix(2);
  if (text.find('@') != std::string_view::npos || text.find('?') != std::string_view::npos) {
    return Error(ErrorCode::kUsage, "user, password and settings have no place in the hub's URL", {},
                 std::string(form) +
                     "; settings stand in [hub.options], secrets in the environment or in hub.secret_file");
  }
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0) {
    return Error(ErrorCode::kUsage, "the hub's URL names no topic: " + input.scheme + ":" + input.place, {},
                 form);
  }
  std::string_view topic = text.substr(slash + 1);
  if (topic.ends_with('/')) topic.remove_suffix(1);
  if (!is_topic(topic)) {
    return Error(ErrorCode::kUsage, "\"" + std::string(topic) + "\" is no name of a topic", {},
                 std::string(form) + "; names are made of A-Z a-z 0-9 . _ -, at most 249 characters");
  }
  return Place{std::string(text.substr(0, slash)), std::string(topic)};
}

// The same for every hub; what the user may change comes first.
void set_common(Properties& into) {
  const Properties defaults{
      {"socket.keepalive.enable", "true"},
      {"log.connection.close", "false"},
      {"topic.metadata.refresh.interval.ms", "180000"},
      {"allow.auto.create.topics", "false"},
      {"isolation.level", "read_committed"},
      {"check.crcs", "true"},
      {"queued.max.messages.kbytes", "32768"},
      {"fetch.queue.backoff.ms", "20"},
      {"session.timeout.ms", "30000"},
      {"linger.ms", "5"},
      {"queue.buffering.max.kbytes", "65536"},
      {"message.timeout.ms", "120000"},
  };
  for (const auto& [name, value] : defaults) into.emplace(name, value);
}

// A load balancer in front of Event Hubs forgets a silent connection after 240 s without a word.
void set_event_hubs(Properties& into) {
  const Properties defaults{
      {"connections.max.idle.ms", "180000"}, {"metadata.max.age.ms", "180000"},
      {"request.timeout.ms", "60000"},       {"socket.timeout.ms", "60000"},
      {"security.protocol", "SASL_SSL"},     {"compression.type", "none"},
  };
  for (const auto& [name, value] : defaults) into.emplace(name, value);
}

Result<void> set_message_size(Settings& into, std::size_t initial) {
  const auto written = into.properties.find("message.max.bytes");
  into.largest_message = initial;
  if (written == into.properties.end()) {
    into.properties["message.max.bytes"] = std::to_string(initial);
    return {};
  }
  const std::string& text = written->second;
  const bool sound = !text.empty() && text.size() <= 10 &&
                     std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
                     std::stoll(text) >= 1000 && std::stoll(text) <= 1'000'000'000;
  if (!sound) {
    return Error(ErrorCode::kUsage, "hub.options: message.max.bytes is no number from 1000 to 1000000000");
  }
  into.largest_message = static_cast<std::size_t>(std::stoll(text));
  into.sized_by_user = true;
  return {};
}

Result<Settings> make_kafka(const SettingsInput& input) {
  CV_ASSIGN(const Place place, split_place(input, kKafkaForm));
  Settings out;
  out.topic = place.topic;
  for (const std::string_view part : split(place.authority, ',')) {
    const auto one = server(part, "9092");
    if (!one) {
      return Error(ErrorCode::kUsage, "\"" + std::string(part) + "\" is no address of a broker", {},
                   kKafkaForm);
    }
    out.servers += (out.servers.empty() ? "" : ",") + *one;
  }
  out.url = "kafka://" + out.servers + "/" + out.topic;
  out.properties = input.options;
  if (!trimmed(input.secret).empty()) {
    CV_ASSIGN(const Properties secrets, parse_properties(input.secret));
    for (const auto& [name, value] : with_one_name(secrets)) {
      CV_TRY(check_option(name));
      out.properties[name] = value;
    }
  }
  set_common(out.properties);
  CV_TRY(set_message_size(out, 1'000'000));
  return out;
}

std::string host_of(const std::string& with_port) {
  return to_lower(with_port.substr(0, with_port.rfind(':')));
}

Error differs(const std::string& what, const std::string& theirs, const std::string& ours) {
  return Error(ErrorCode::kUsage,
               "the connection string is for the " + what + " " + theirs + ", hub.url for " + ours, {},
               "correct hub.url, or take the connection string of that " + what);
}

// The connection string is the password; what it says of itself must fit the URL.
Result<void> use_connection_string(const std::string& secret, Settings& into) {
  CV_ASSIGN(const ConnectionString parsed, parse_connection_string(secret));
  const auto theirs = server(parsed.host, parsed.emulator ? "9092" : "9093");
  if (!theirs) return Error(ErrorCode::kUsage, "the connection string's Endpoint is no address");
  if (host_of(*theirs) != host_of(into.servers))
    return differs("namespace", host_of(*theirs), host_of(into.servers));
  if (!parsed.entity_path.empty() && parsed.entity_path != into.topic)
    return differs("hub", parsed.entity_path, into.topic);
  if (parsed.emulator) into.properties.emplace("security.protocol", "SASL_PLAINTEXT");
  into.properties["sasl.mechanism"] = "PLAIN";
  into.properties["sasl.username"] = "$ConnectionString";
  into.properties["sasl.password"] = std::string(trimmed(secret));
  return {};
}

bool is_local(const std::string& host) {
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

Result<Settings> make_event_hubs(const SettingsInput& input) {
  CV_ASSIGN(const Place place, split_place(input, kEventHubsForm));
  std::string authority = place.authority;
  const std::string host = authority.substr(0, authority.find(':'));
  if (host.find('.') == std::string::npos && !is_local(host)) authority.insert(host.size(), kAzureDomain);
  const auto one = server(authority, is_local(host) ? "9092" : "9093");
  if (!one || authority.find(',') != std::string::npos) {
    return Error(ErrorCode::kUsage, "\"" + place.authority + "\" is no Event Hubs namespace", {},
                 kEventHubsForm);
  }
  Settings out;
  out.event_hubs = true;
  out.servers = *one;
  out.topic = place.topic;
  out.url = "eventhubs://" + host_of(*one) + "/" + out.topic;
  out.properties = input.options;
  const bool own_login = out.properties.contains("sasl.mechanism");
  if (!trimmed(input.secret).empty()) CV_TRY(use_connection_string(input.secret, out));
  set_event_hubs(out.properties);
  set_common(out.properties);
  if (trimmed(input.secret).empty() && !own_login) {
    out.properties["sasl.mechanism"] = "OAUTHBEARER";
    out.auth_scope = "https://" + host_of(*one) + "/.default";
  }
  CV_TRY(set_message_size(out, kEventHubsRequest - kRoomForRequest));
  return out;
}

}  // namespace

Result<Settings> make_settings(const SettingsInput& input) {
  SettingsInput plain = input;
  plain.options = with_one_name(input.options);
  for (const auto& [name, value] : plain.options) CV_TRY(check_option(name));
  return plain.scheme == "eventhubs" ? make_event_hubs(plain) : make_kafka(plain);
}

Result<ConnectionString> parse_connection_string(std::string_view text) {
  constexpr const char* kForm =
      "copy it as a whole from the namespace's \"Shared access policies\": Endpoint=sb://…;"
      "SharedAccessKeyName=…;SharedAccessKey=…";
  ConnectionString out;
  bool key_name = false;
  bool key = false;
  for (const std::string_view part : split(trimmed(text), ';')) {
    if (trimmed(part).empty()) continue;
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos)
      return Error(ErrorCode::kUsage, "this is no connection string of Event Hubs", {}, kForm);
    const std::string name = to_lower(trimmed(part.substr(0, equals)));
    const std::string_view value = trimmed(part.substr(equals + 1));
    if (name == "endpoint") {
      if (!value.starts_with("sb://"))
        return Error(ErrorCode::kUsage, "the connection string's Endpoint does not begin with sb://", {},
                     kForm);
      out.host = value.substr(5);
      if (out.host.ends_with('/')) out.host.pop_back();
    } else if (name == "entitypath") {
      out.entity_path = value;
    } else if (name == "usedevelopmentemulator") {
      out.emulator = to_lower(value) == "true";
    } else if (name == "sharedaccesskeyname") {
      key_name = !value.empty();
    } else if (name == "sharedaccesskey") {
      key = !value.empty();
    } else if (name == "sharedaccesssignature") {
      return Error(ErrorCode::kUsage, "Event Hubs takes no shared access signature on its Kafka endpoint", {},
                   "use a connection string with SharedAccessKey, or none: then an Entra token is used");
    }
  }
  if (out.host.empty() || !key_name || !key)
    return Error(ErrorCode::kUsage,
                 "the connection string lacks Endpoint, SharedAccessKeyName or SharedAccessKey", {}, kForm);
  return out;
}

Result<Properties> parse_properties(std::string_view text) {
  Properties out;
  int number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    line = trimmed(line);
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t equals = line.find('=');
    const std::string_view name = trimmed(line.substr(0, equals));
    if (equals == std::string_view::npos || name.empty()) {
      return Error(ErrorCode::kUsage, "line " + std::to_string(number) + " of the secrets is not name=value",
                   {}, "for example: sasl.password=…");
    }
    out[std::string(name)] = trimmed(line.substr(equals + 1));
  }
  return out;
}

}  // namespace changevault::kafka
