#include "cli/completion_names.h"

#include "cli/completion.h"
#include "store/key_layout.h"

namespace changevault {
namespace {

// Enough for a screen; a folder with more is not read to its end.
constexpr std::size_t kMostNames = 1000;

// Folders directly below `prefix`, as names. None where the store is not a directory of this machine: an
// answer from elsewhere may take seconds.
std::vector<std::string> folders(Parts& parts, const std::string& prefix) {
  std::vector<std::string> out;
  if (!parts.configuration().store.url.starts_with("file:")) return out;
  const Result<ObjectStore*> store = parts.store();
  if (!store) return out;
  const Result<ListPage> page = (*store)->list(prefix, '/', {}, kMostNames);
  if (!page) return out;
  for (const std::string& found : page->prefixes) {
    const std::string part = found.substr(prefix.size(), found.size() - prefix.size() - 1);
    if (part.starts_with('_')) continue;  // the ledger and its like
    if (auto name = decode_name(part)) out.push_back(*std::move(name));
  }
  return out;
}

std::string value_of(const std::vector<std::string>& words, const std::string& flag) {
  for (std::size_t i = 0; i + 2 < words.size(); ++i) {
    if (words[i] == flag) return words[i + 1];
  }
  return {};
}

}  // namespace

void print_completions(const std::vector<std::string>& words, const Outside& outside, Output& out) {
  const Result<Configuration> configuration = load_configuration(
      {value_of(words, "--config"), {}, outside.environment, outside.working_directory}, false);
  KnownNames names{[] { return std::vector<std::string>(); },
                   [](const std::string&) { return std::vector<std::string>(); }};
  std::optional<Parts> parts;
  if (configuration) {
    parts.emplace(*configuration, outside.drivers, outside.clock, outside.random);
    names.databases = [&] { return folders(*parts, parts->layout().archive_prefix()); };
    names.collections = [&](const std::string& database) {
      return folders(*parts, parts->layout().database_prefix(database));
    };
  }
  ignore_error(out.write(lines_of(complete(words, names))), "nobody looks at it");
}

}  // namespace changevault
