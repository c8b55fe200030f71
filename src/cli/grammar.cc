#include "cli/grammar.h"

#include <algorithm>

#include "cli/common_options.h"
#include "cli/verbs.h"

namespace changevault {
namespace {

std::vector<FlagWords> common_flags(bool takes_csv) {
  Options options;
  CommonOptions common;
  common.add_to(options, takes_csv);
  std::vector<FlagWords> out = options.flags();
  for (FlagWords& flag : out) {
    if (!takes_csv) std::erase(flag.choices, "csv");
  }
  return out;
}

}  // namespace

VerbWords words_of(Verb& verb) {
  Options options;
  verb.add_options(options);
  return {verb.name(),
          verb.summary(),
          verb.usage(),
          verb.details(),
          verb.examples(),
          options.flags(),
          common_flags(verb.takes_csv()),
          options.positions(),
          verb.first_words()};
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
