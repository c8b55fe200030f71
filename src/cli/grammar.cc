#include "cli/grammar.h"

#include <algorithm>

#include "cli/common_options.h"
#include "cli/verbs.h"

namespace changevault {
namespace {

// CLI11 names a value "LEVEL:{day,hour}": the word, then what it checks.
FlagWords flag_of(const CLI::Option& option) {
  FlagWords out;
  for (const std::string& name : option.get_lnames()) out.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) out.names.push_back("-" + name);
  out.description = option.get_description();
  if (option.get_expected_max() == 0) return out;
  const std::string type = option.get_type_name();
  out.value = type.substr(0, type.find(':'));
  const std::size_t open = type.find(":{");
  const std::size_t close = type.find('}', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) return out;
  for (std::size_t at = open + 2; at < close;) {
    const std::size_t end = std::min(type.find(',', at), close);
    out.choices.push_back(type.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::vector<FlagWords> flags_of(const CLI::App& app) {
  std::vector<FlagWords> out;
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional() && !option->get_group().empty()) out.push_back(flag_of(*option));
  }
  return out;
}

std::vector<FlagWords> common_flags(bool takes_csv) {
  CLI::App app;
  CommonOptions options;
  options.add_to(app, takes_csv);
  std::vector<FlagWords> out = flags_of(app);
  for (FlagWords& flag : out) {
    if (!takes_csv) std::erase(flag.choices, "csv");
  }
  return out;
}

}  // namespace

VerbWords words_of(Verb& verb) {
  CLI::App app;
  app.set_help_flag();
  verb.add_options(app);
  VerbWords out{verb.name(),
                verb.summary(),
                verb.usage(),
                verb.details(),
                verb.examples(),
                flags_of(app),
                common_flags(verb.takes_csv()),
                {},
                verb.first_words()};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) out.positions.push_back(option->get_single_name());
  }
  return out;
}

std::vector<VerbWords> all_words() {
  std::vector<VerbWords> out;
  for (const auto& verb : all_verbs()) out.push_back(words_of(*verb));
  return out;
}

std::vector<FlagWords> program_flags() {
  return common_flags(false);
}

std::string title_of(const FlagWords& flag) {
  std::string out;
  for (const std::string& name : flag.names) out += (out.empty() ? "" : ", ") + name;
  return flag.value.empty() ? out : out + " " + flag.value;
}

const FlagWords* find_flag(const VerbWords& verb, const std::string& name) {
  for (const auto* const list : {&verb.flags, &verb.common}) {
    for (const FlagWords& flag : *list) {
      if (std::find(flag.names.begin(), flag.names.end(), name) != flag.names.end()) return &flag;
    }
  }
  return nullptr;
}

}  // namespace changevault
