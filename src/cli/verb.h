// A verb of the command line: one file each (verb_<name>.cc), listed in verbs.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context.h"
#include "cli/options.h"

namespace changevault {

class Verb {
 public:
  virtual ~Verb() = default;
  virtual std::string name() const = 0;      // "gaps"
  virtual std::string summary() const = 0;   // one line, lower case, no full stop
  virtual std::string usage() const = 0;     // what follows the name: "[DB [COLL]] [TIME] [flags]"
  virtual std::string examples() const = 0;  // lines, each a whole command; no '\n' at the end
  // More words for --help between usage and flags; may be empty.
  virtual std::string details() const { return {}; }
  // Rewrites short spellings in the words behind the verb before they are read.
  virtual void spell_out(std::vector<std::string>& words) const { static_cast<void>(words); }
  // Binds flags and positions to members; the options outlive `run`. Common flags are there already.
  virtual void add_options(Options& options) = 0;
  // What the first position can be, where that is one of a few words.
  virtual std::vector<std::string> first_words() const { return {}; }
  // `init` and `completion` work without a configuration file.
  virtual bool needs_configuration_file() const { return true; }
  // Its answer is a table. Ways to use it whose answer is none end with no_csv (cli/csv.h).
  virtual bool takes_csv() const { return false; }
  // The exit code, or the error that ends the program.
  virtual Result<int> run(Context& context) = 0;
};

// Exit codes that are answers, not errors (DESIGN §5).
inline constexpr int kExitDone = 0;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitGaps = 3;
inline constexpr int kExitFailed = 4;
inline constexpr int kExitIndeterminate = 5;

}  // namespace changevault
