// The command line as a table, read off the verbs themselves: help, manual page and completion are made of
// it.
#pragma once

#include <string>
#include <vector>

#include "cli/verb.h"

namespace changevault {

struct VerbWords {
  std::string name;
  std::string summary;
  std::string usage;             // what follows the name
  std::string details;           // may be empty; lines
  std::string examples;          // lines
  std::vector<FlagWords> flags;  // its own
  std::vector<FlagWords> common;
  std::vector<std::string> positions;    // "DB", "COLL", "FILE", …
  std::vector<std::string> first_words;  // that its first position takes; empty: anything
};

VerbWords words_of(Verb& verb);
// In the order of the registry.
std::vector<VerbWords> all_words();
// The flags that stand without a verb.
std::vector<FlagWords> program_flags();

// "--output table|json|csv" and the like: the name by which help lists the flag.
std::string title_of(const FlagWords& flag);
// The flag of one of these lists that goes by this name; nullptr: none does.
const FlagWords* find_flag(const VerbWords& verb, const std::string& name);

}  // namespace changevault
