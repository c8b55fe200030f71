// The texts of --help: short, the same shape for every verb, examples at the end.
#include <algorithm>

#include "cli/common_options.h"
#include "cli/program.h"
#include "cli/verbs.h"

namespace changevault {
namespace {

struct Line {
  std::string left;
  std::string right;
};

std::string aligned(const std::vector<Line>& lines) {
  std::size_t width = 0;
  for (const Line& line : lines) width = std::max(width, line.left.size());
  std::string out;
  for (const Line& line : lines) {
    out += "  " + line.left + std::string(width - line.left.size() + 2, ' ') + line.right + "\n";
  }
  return out;
}

std::vector<Line> flags_of(const CLI::App& app) {
  std::vector<Line> lines;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional() || option->get_group().empty()) continue;
    std::string left = option->get_name();
    const std::string type = option->get_type_name();  // CLI11 adds ":" and its checks
    if (option->get_expected_max() > 0) left += " " + type.substr(0, type.find(':'));
    lines.push_back({left, option->get_description()});
  }
  return lines;
}

}  // namespace

std::string verb_help(Verb& verb) {
  CLI::App own;
  own.set_help_flag();
  verb.add_options(own);
  CLI::App common;
  CommonOptions options;
  options.add_to(common, verb.takes_csv());
  std::string out =
      "changevault " + verb.name() + ": " + verb.summary() + "\n\nusage: changevault " + verb.name();
  out += (verb.usage().empty() ? "" : " " + verb.usage()) + "\n";
  if (!verb.details().empty()) out += "\n" + verb.details() + "\n";
  const std::vector<Line> flags = flags_of(own);
  if (!flags.empty()) out += "\nflags\n" + aligned(flags);
  out += "\ncommon flags, before or after the verb\n" + aligned(flags_of(common));
  return out + "\nexamples\n  " + [&] {
    std::string examples = verb.examples();
    for (std::size_t at = 0; (at = examples.find('\n', at)) != std::string::npos; at += 3)
      examples.replace(at, 1, "\n  ");
    return examples;
  }() + "\n";
}

std::string program_help() {
  std::vector<Line> verbs;
  for (const auto& verb : all_verbs()) verbs.push_back({verb->name(), verb->summary()});
  CLI::App common;
  CommonOptions options;
  options.add_to(common, false);
  return "changevault keeps every MongoDB change event, provably, and puts any lost slice of it back.\n\n"
         "usage: changevault VERB … [flags]      changevault VERB --help\n\nverbs\n" +
         aligned(verbs) + "\ncommon flags, before or after the verb\n" + aligned(flags_of(common)) +
         "\nexamples\n"
         "  changevault init                                             a new archive in this folder\n"
         "  changevault gaps --date 2025-01-15                           what is missing in the warehouse\n"
         "  changevault recover inventory_db products 2025/01/15 14      put one hour back\n";
}

}  // namespace changevault
