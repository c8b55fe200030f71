#include "service/configuration.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <system_error>

#include <toml++/toml.h>

#include "base/ascii.h"
#include "net/url_text.h"
#include "service/suggest.h"

namespace changevault {
namespace {

constexpr const char* kDefaultFile = "changevault.toml";
// The client library's own settings: any name is taken here, the hub's driver knows which exist.
constexpr std::string_view kOptions = "hub.options.";
constexpr std::string_view kOptionVariables = "CHANGEVAULT_HUB_OPTIONS_";

std::vector<std::string> sections() {
  std::vector<std::string> out;
  for (const ConfigurationKey& key : configuration_keys()) {
    if (std::find(out.begin(), out.end(), key.section) == out.end()) out.emplace_back(key.section);
  }
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const std::string near = nearest(word, known);
  return near.empty() ? "known are: " + joined(known) : "did you mean \"" + near + "\"?";
}

const ConfigurationKey* find_key(const std::string& section, const std::string& name) {
  for (const ConfigurationKey& key : configuration_keys()) {
    if (section == key.section && name == key.name) return &key;
  }
  return nullptr;
}

Result<const ConfigurationKey*> require_key(const std::string& section, const std::string& name,
                                            const std::string& place) {
  if (const ConfigurationKey* key = find_key(section, name)) return key;
  std::vector<std::string> names;
  for (const ConfigurationKey& key : configuration_keys()) {
    if (section == key.section) names.emplace_back(key.name);
  }
  if (names.empty()) {
    return Error(ErrorCode::kUsage, "unknown section [" + section + "]", place,
                 did_you_mean(section, sections()));
  }
  return Error(ErrorCode::kUsage, "unknown key " + section + "." + name, place, did_you_mean(name, names));
}

std::string line_of(const toml::node& node, const std::string& name) {
  return name + " line " + std::to_string(node.source().begin.line);
}

Result<std::string> text_of(const ConfigurationKey& key, const toml::node& node, const std::string& place) {
  if (key.text) {
    if (const auto* text = node.as_string()) return text->get();
    return Error(ErrorCode::kUsage, key.path() + " must be a text in quotes", place,
                 "write: " + std::string(key.name) + " = \"" + key.initial + "\"");
  }
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  return Error(ErrorCode::kUsage, key.path() + " must be a whole number, without quotes", place,
               "write: " + std::string(key.name) + " = " + key.initial);
}

// `"socket.timeout.ms" = 30000`, or the same name written as tables within tables.
Result<void> read_options(const toml::table& table, const std::string& prefix, const std::string& name,
                          WrittenValues& into) {
  for (const auto& [key, node] : table) {
    const std::string path = prefix + std::string(key.str());
    if (const auto* inner = node.as_table()) {
      CV_TRY(read_options(*inner, path + ".", name, into));
      continue;
    }
    WrittenValue& value = into[path];
    value.place = line_of(node, name);
    if (const auto* text = node.as_string()) {
      value.text = text->get();
    } else if (const auto* number = node.as_integer()) {
      value.text = std::to_string(number->get());
    } else if (const auto* flag = node.as_boolean()) {
      value.text = flag->get() ? "true" : "false";
    } else {
      return Error(ErrorCode::kUsage, path + " must be a text, a whole number, true or false", value.place);
    }
  }
  return {};
}

Result<void> read_section(const std::string& section, const toml::table& table, const std::string& name,
                          WrittenValues& into) {
  for (const auto& [key_name, node] : table) {
    const std::string place = line_of(node, name);
    const auto* options = node.as_table();
    if (options != nullptr && section + "." + std::string(key_name.str()) + "." == kOptions) {
      CV_TRY(read_options(*options, std::string(kOptions), name, into));
      continue;
    }
    CV_ASSIGN(const ConfigurationKey* key, require_key(section, std::string(key_name.str()), place));
    CV_ASSIGN(std::string text, text_of(*key, node, place));
    into[key->path()] = {std::move(text), place};
  }
  return {};
}

// "hub.options.sasl.password" and CHANGEVAULT_HUB_OPTIONS_SASL_PASSWORD are one: no name of the client but
// log_level has a '_' in it.
std::string option_variable(const std::string& path) {
  std::string out(kOptionVariables);
  for (const char c : path.substr(kOptions.size()))
    out += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return out;
}

std::string option_path(const std::string& variable) {
  std::string out(kOptions);
  for (const char c : to_lower(variable.substr(kOptionVariables.size()))) out += c == '_' ? '.' : c;
  return out;
}

// Of the client's settings those that are secrets are known by their names.
bool is_secret_option(const std::string& path) {
  if (!path.starts_with(kOptions)) return false;
  constexpr std::array<std::string_view, 5> kWords{"password", "passphrase", "secret", "key.pem",
                                                   "oauthbearer.config"};
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return path.find(word) != std::string::npos; });
}

Error secret_in_argument(const std::string& shown, const std::string& hint) {
  return Error(ErrorCode::kUsage, "a secret must not stand in an argument, where others see it",
               "--set " + shown, hint);
}

Result<void> add_flags(const std::vector<std::string>& flags, WrittenValues& into) {
  for (const std::string& flag : flags) {
    if (holds_secret(flag)) {
      return secret_in_argument(
          without_secrets(flag),
          "give it in the environment (CHANGEVAULT_STORE_URL, AZURE_STORAGE_CONNECTION_STRING), or in a file "
          "(store.secret_file)");
    }
    const std::string path = flag.substr(0, flag.find('='));
    if (is_secret_option(path)) {
      return secret_in_argument(path + "=***", "give it in the environment (" + option_variable(path) +
                                                   "), or in a file (hub.secret_file)");
    }
    if (path.starts_with(kOptions) && path.size() > kOptions.size() && path.size() < flag.size()) {
      into[path] = {flag.substr(path.size() + 1), "--set " + path};
      continue;
    }
    const std::string place = "--set " + flag;
    const std::size_t equals = flag.find('=');
    const std::size_t dot = flag.find('.');
    if (equals == std::string::npos || dot == std::string::npos || dot > equals) {
      return Error(ErrorCode::kUsage, "a setting is written section.key=value", place,
                   "for example: --set archive.flush_interval=5min");
    }
    CV_ASSIGN(const ConfigurationKey* key,
              require_key(flag.substr(0, dot), flag.substr(dot + 1, equals - dot - 1), place));
    into[key->path()] = {flag.substr(equals + 1), place};
  }
  return {};
}

void add_environment(const Environment& environment, WrittenValues& into) {
  // CONSUMER_GROUP first: the program's own variable for the group is more special.
  if (const auto found = environment.find("CONSUMER_GROUP"); found != environment.end()) {
    into["hub.group"] = {found->second, "environment variable CONSUMER_GROUP"};
  }
  for (const ConfigurationKey& key : configuration_keys()) {
    const auto found = environment.find(key.variable());
    if (found != environment.end())
      into[key.path()] = {found->second, "environment variable " + found->first};
  }
  for (const auto& [name, value] : environment) {
    if (name.starts_with(kOptionVariables) && name.size() > kOptionVariables.size())
      into[option_path(name)] = {value, "environment variable " + name};
  }
}

std::vector<std::string> unknown_variables(const Environment& environment) {
  std::vector<std::string> known{"CHANGEVAULT_CONFIG"};
  for (const ConfigurationKey& key : configuration_keys()) known.push_back(key.variable());
  std::vector<std::string> unknown;
  for (const auto& [name, value] : environment) {
    if (!name.starts_with("CHANGEVAULT_") || name.starts_with(kOptionVariables) ||
        std::find(known.begin(), known.end(), name) != known.end())
      continue;
    std::string& told = unknown.emplace_back(name);
    const std::string near = nearest(name, known);
    if (!near.empty()) told.append(" (did you mean ").append(near).append("?)");
  }
  return unknown;
}

Result<void> set_all(const WrittenValues& values, Configuration& into) {
  for (const ConfigurationKey& key : configuration_keys()) {
    const auto written = values.find(key.path());
    const Result<void> done = key.set(into, written == values.end() ? key.initial : written->second.text);
    if (done.has_value()) continue;
    Error error = done.error();
    error.message = key.path() + ": " + error.message;
    error.object = written == values.end() ? "the built-in default" : written->second.place;
    return error;
  }
  for (const auto& [path, value] : values) {
    if (path.starts_with(kOptions)) into.hub.options[path.substr(kOptions.size())] = value.text;
  }
  return {};
}

// "sqlite:data/hub.db" beside /etc/cv/changevault.toml becomes "sqlite:/etc/cv/data/hub.db".
void make_absolute(std::string& url, const std::filesystem::path& folder) {
  constexpr std::array<std::string_view, 3> kPathSchemes{"sqlite", "file", "duckdb"};
  auto parts = split_url(url);
  if (!parts || std::find(kPathSchemes.begin(), kPathSchemes.end(), parts->scheme) == kPathSchemes.end())
    return;
  std::string_view place = parts->rest;
  if (place.starts_with("///")) place.remove_prefix(2);  // file:///data is /data
  url = parts->scheme + ":" + (folder / place).lexically_normal().string();
}

std::filesystem::path file_of(const ConfigurationSources& sources, bool& asked_for) {
  std::string name = sources.file;
  if (name.empty()) {
    const auto found = sources.environment.find("CHANGEVAULT_CONFIG");
    if (found != sources.environment.end()) name = found->second;
  }
  asked_for = !name.empty();
  return (sources.working_directory / (name.empty() ? kDefaultFile : name)).lexically_normal();
}

Result<std::string> read_file(const std::filesystem::path& path) {
  constexpr std::size_t kLargestFile = 1 << 20;
  std::ifstream in(path, std::ios::binary);
  std::error_code ignored;
  if (!in || std::filesystem::is_directory(path, ignored)) {
    return Error(ErrorCode::kUsage, "the configuration file cannot be read", path.string(),
                 "it must be a file that this user may read");
  }
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (text.size() > kLargestFile) {
    return Error(ErrorCode::kUsage, "the configuration file is larger than 1 MiB", path.string());
  }
  return text;
}

bool urls_are_given(const WrittenValues& values) {
  return values.contains("hub.url") && values.contains("store.url") && values.contains("warehouse.url");
}

Error no_file(const std::filesystem::path& path, bool asked_for) {
  return Error(ErrorCode::kUsage, "there is no configuration file", path.string(),
               asked_for
                   ? "check the path, or make the file there with: changevault init --config " + path.string()
                   : "make one here with: changevault init (or name another with --config FILE)");
}

std::string quoted(const std::string& value) {
  std::string out = "\"";
  for (const char c : value) {
    constexpr const char* kHex = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += std::string("\\u00") + kHex[byte >> 4] + kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// The client's own settings, of which there is no list here: those that were given, else an example.
std::string options_template(const WrittenValues& values) {
  std::string out =
      "\n# [hub.options]: settings of the Kafka client, as librdkafka's CONFIGURATION.md lists them, for "
      "kafka: and\n"
      "# eventhubs: hubs. For example: \"session.timeout.ms\" = \"45000\"\n";
  std::string lines;
  for (const auto& [path, value] : values) {
    if (path.starts_with(kOptions))
      lines += quoted(path.substr(kOptions.size())) + " = " + quoted(value.text) + "\n";
  }
  return out + (lines.empty() ? "" : "[hub.options]\n" + lines);
}

}  // namespace

Result<WrittenValues> read_configuration_text(std::string_view text, const std::string& name) {
  WrittenValues values;
  try {
    const toml::table root = toml::parse(text, name);
    for (const auto& [section, node] : root) {
      const std::string word(section.str());
      const auto* table = node.as_table();
      if (table == nullptr) {
        return Error(ErrorCode::kUsage, "\"" + word + "\" stands outside of every section",
                     line_of(node, name), "sections are: " + joined(sections()));
      }
      if (table->empty()) {
        const std::vector<std::string> known = sections();
        if (std::find(known.begin(), known.end(), word) == known.end()) {
          return Error(ErrorCode::kUsage, "unknown section [" + word + "]", line_of(node, name),
                       did_you_mean(word, known));
        }
      }
      CV_TRY(read_section(word, *table, name, values));
    }
  } catch (const toml::parse_error& error) {  // the library's way to say it; goes no further
    return Error(ErrorCode::kUsage,
                 "the configuration file is not valid TOML: " + std::string(error.description()),
                 name + " line " + std::to_string(error.source().begin.line));
  }
  return values;
}

Result<Configuration> load_configuration(const ConfigurationSources& sources, bool file_required) {
  WrittenValues outside;
  add_environment(sources.environment, outside);
  CV_TRY(add_flags(sources.flags, outside));

  Configuration out;
  out.unknown_variables = unknown_variables(sources.environment);
  bool asked_for = false;
  out.file = file_of(sources, asked_for);
  std::error_code error;
  out.file_exists = std::filesystem::exists(out.file, error);
  WrittenValues values;
  if (out.file_exists) {
    CV_ASSIGN(const std::string text, read_file(out.file));
    CV_ASSIGN(values, read_configuration_text(text, out.file.string()));
  } else if (file_required && (asked_for || !urls_are_given(outside))) {
    return no_file(out.file, asked_for);
  }
  for (auto& [key, value] : outside) values[key] = std::move(value);
  CV_TRY(set_all(values, out));
  for (std::string* url : {&out.hub.url, &out.store.url, &out.warehouse.url}) {
    make_absolute(*url, out.file.parent_path());
  }
  for (std::string* secret : {&out.store.secret_file, &out.hub.secret_file}) {
    if (!secret->empty()) *secret = (out.file.parent_path() / *secret).lexically_normal().string();
  }
  out.verify.memory = (out.file.parent_path() / out.verify.memory).lexically_normal().string();
  return out;
}

Result<std::string> store_url(const std::string& text, const std::filesystem::path& folder) {
  Configuration scratch;
  const ConfigurationKey* const key = find_key("store", "url");
  CV_TRY(key->set(scratch, text));
  make_absolute(scratch.store.url, folder);
  return scratch.store.url;
}

Result<std::string> configuration_template(const std::vector<std::string>& flags) {
  WrittenValues values;
  CV_TRY(add_flags(flags, values));
  Configuration scratch;
  CV_TRY(set_all(values, scratch));
  std::string out =
      "# changevault configuration. Relative paths count from this file's folder.\n"
      "# Each key can also be given as CHANGEVAULT_SECTION_KEY in the environment, or with --set "
      "section.key=value;\n"
      "# flags win over the environment, the environment over this file. Keep secrets out of it.\n";
  std::string section;
  for (const ConfigurationKey& key : configuration_keys()) {
    if (section != key.section) {
      if (section == "hub") out += options_template(values);
      section = key.section;
      out += "\n[" + section + "]\n";
    }
    const auto found = values.find(key.path());
    const std::string text = found == values.end() ? key.initial : found->second.text;
    out += "# " + std::string(key.help) + "\n" + key.name + " = " + (key.text ? quoted(text) : text) + "\n";
  }
  return out;
}

}  // namespace changevault
