// The texts of --help: short, the same shape for every verb, examples at the end.
#include <algorithm>

#include "cli/grammar.h"
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

std::vector<Line> lines_of(const std::vector<FlagWords>& flags) {
  std::vector<Line> lines;
  for (const FlagWords& flag : flags) lines.push_back({title_of(flag), flag.description});
  return lines;
}

std::string indented(std::string lines) {
  for (std::size_t at = 0; (at = lines.find('\n', at)) != std::string::npos; at += 3)
    lines.replace(at, 1, "\n  ");
  return "  " + lines;
}

}  // namespace

std::string verb_help(Verb& verb) {
  const VerbWords words = words_of(verb);
  std::string out =
      "changevault " + words.name + ": " + words.summary + "\n\nusage: changevault " + words.name;
  out += (words.usage.empty() ? "" : " " + words.usage) + "\n";
  if (!words.details.empty()) out += "\n" + words.details + "\n";
  if (!words.flags.empty()) out += "\nflags\n" + aligned(lines_of(words.flags));
  out += "\ncommon flags, before or after the verb\n" + aligned(lines_of(words.common));
  return out + "\nexamples\n" + indented(words.examples) + "\n";
}

std::string program_help() {
  std::vector<Line> verbs;
  for (const auto& verb : all_verbs()) verbs.push_back({verb->name(), verb->summary()});
  return "changevault keeps every MongoDB change event, provably, and puts any lost slice of it back.\n\n"
         "usage: changevault VERB … [flags]      changevault VERB --help\n\nverbs\n" +
         aligned(verbs) + "\ncommon flags, before or after the verb\n" + aligned(lines_of(program_flags())) +
         "\nexamples\n"
         "  changevault init                                             a new archive in this folder\n"
         "  changevault gaps --date 2025-01-15                           what is missing in the warehouse\n"
         "  changevault recover inventory_db products 2025/01/15 14      put one hour back\n"
         "  changevault --man | man -l -                                 all verbs, as a manual page\n";
}

}  // namespace changevault
