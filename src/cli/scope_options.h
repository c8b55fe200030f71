// The scope flags, the same for every verb that takes a scope.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "cli/options.h"
#include "cli/output.h"
#include "service/scope_words.h"

namespace changevault {

// A member of a verb: `add_to` in add_options, `scope` in run.
class ScopeOptions {
 public:
  void add_to(Options& options);
  // The first position may be an archived file instead, by its name or its whole key; then the scope is that
  // file.
  Result<Scope> scope() const;
  // A file was named so.
  bool names_file() const;

 private:
  std::array<std::optional<std::string>, 4> positions_;
  ScopeWords words_;
};

// For verbs about whole files, a note (on stderr) where the scope is about parts of them.
void note_whole_files(Output& out, const Scope& scope);

// For verbs that do not look at single records: kUsage where the scope has conditions. `what`: "this verb is
// about …".
Result<void> refuse_conditions(const Scope& scope, const std::string& what);

// What stands in a usage line for them.
inline constexpr const char* kScopeUsage = "[DB [COLL]] [YYYY/MM[/DD [HH]]] [flags]";
// The same for verbs that take a file, too.
inline constexpr const char* kScopeOrFileUsage = "[DB [COLL]] [YYYY/MM[/DD [HH]]] | FILE [flags]";

}  // namespace changevault
