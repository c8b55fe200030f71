// What a shell offers where the Tab key is pressed.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace changevault {

struct Candidate {
  std::string word;
  std::string description;  // may be empty
};

struct Completions {
  enum class Kind { kWords, kFiles, kFolders };
  Kind kind = Kind::kWords;  // else the shell looks for names of files, or of folders, itself
  std::vector<Candidate> words;
};

// Names of databases, or of one database's collections, as far as they can be had at once; empty where not.
struct KnownNames {
  std::function<std::vector<std::string>()> databases;
  std::function<std::vector<std::string>(const std::string& database)> collections;
};

// `words`: what stands behind the program's name; the last is the one at the cursor, up to there, and may be
// empty. Only words that begin with it, and that have no character that steers a terminal.
Completions complete(const std::vector<std::string>& words, const KnownNames& names);

// What the shells' scripts read: a line with the kind ("words", "files", "folders"), then
// "word<TAB>description" lines.
std::string lines_of(const Completions& completions);

// For bash, zsh or fish; empty for another one. The script asks `changevault __complete WORD…` at each Tab.
std::string completion_script(const std::string& shell);
std::vector<std::string> known_shells();

// The hidden verb that the scripts call.
inline constexpr const char* kCompleteWord = "__complete";

}  // namespace changevault
