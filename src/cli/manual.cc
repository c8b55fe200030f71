#include "cli/manual.h"

#include "cli/grammar.h"

namespace changevault {
namespace {

// Text as roff takes it: a backslash, a hyphen that is one, no line that looks like a request.
std::string escaped(const std::string& text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    line_begins = c == '\n';
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string section(const std::string& title) {
  return ".SH " + title + "\n";
}

std::string entry(const std::string& term, const std::string& text) {
  return ".TP\n\\fB" + escaped(term) + "\\fR\n" + escaped(text) + "\n";
}

std::string verbatim(const std::string& lines) {
  return ".RS 4\n.nf\n" + escaped(lines) + "\n.fi\n.RE\n";
}

std::string flags(const std::vector<FlagWords>& list) {
  std::string out;
  for (const FlagWords& flag : list) {
    std::string names;
    for (const std::string& name : flag.names)
      names += (names.empty() ? "" : ", ") + ("\\fB" + escaped(name)) + "\\fR";
    if (!flag.value.empty()) names += " \\fI" + escaped(flag.value) + "\\fR";
    out += ".TP\n" + names + "\n" + escaped(flag.description) + "\n";
  }
  return out;
}

std::string verb(const VerbWords& words) {
  std::string out = ".SS " + words.name + "\n" + escaped(words.summary) + ".\n.PP\n\\fBchangevault " +
                    escaped(words.name) + "\\fR " + escaped(words.usage) + "\n";
  if (!words.details.empty()) out += ".PP\n" + escaped(words.details) + "\n";
  return out + flags(words.flags) + ".PP\nExamples:\n" + verbatim(words.examples);
}

constexpr struct {
  const char* code;
  const char* meaning;
} kExits[] = {{"0", "done, and nothing is wrong"},
              {"1", "internal error"},
              {"2", "usage or configuration; also where a question was not answered by yes"},
              {"3", "gaps found (gaps), or gaps left after recover"},
              {"4", "verification or validation failed; nothing was changed"},
              {"5", "indeterminate: could not be checked"},
              {"6", "a hub, store or warehouse is unreachable or refused us"},
              {"7", "fenced, or a plan that no longer fits"},
              {"130", "asked to stop (Ctrl-C, SIGTERM) before it was done"}};

}  // namespace

std::string manual_page() {
  std::string out =
      ".\\\" Made by `changevault --man`; do not edit.\n"
      ".TH CHANGEVAULT 1 \"\" \"changevault\" \"User Commands\"\n" +
      section("NAME") +
      "changevault \\- keeps every MongoDB change event, provably, and puts any lost slice of it back\n" +
      section("SYNOPSIS") + ".B changevault\n\\fIVERB\\fR … [\\fIflags\\fR]\n" + section("DESCRIPTION") +
      "Change events come through a hub, are archived as segments in an object store with a ledger, and are\n"
      "loaded into a warehouse. \\fBgaps\\fR finds what the warehouse lacks, hour by hour; \\fBrecover\\fR "
      "puts "
      "it back.\n" +
      ".PP\nResults go to standard output, everything else to standard error. Times are UTC.\n" +
      ".PP\nWhere a verb takes a scope, its words are a database, a collection and a time (a month, a day, "
      "an "
      "hour);\na word shaped like a date is one. Names take the globs * ? and [].\n" +
      ".PP\nOn a terminal, and in tables everywhere, characters of names and data that steer a terminal are\n"
      "shown escaped. Into files and pipes, \\fBcat\\fR, \\fBconsume\\fR, JSON and CSV go as they are; in "
      "CSV, a "
      "text that a\nspreadsheet takes for a formula stays one, so open it with text columns.\n" +
      section("VERBS");
  for (const VerbWords& words : all_words()) out += verb(words);
  out += section("COMMON FLAGS") + "Before or after the verb.\n" + flags(program_flags());
  out += section("EXIT STATUS");
  for (const auto& [code, meaning] : kExits) out += entry(code, meaning);
  out += section("ENVIRONMENT") +
         entry("CHANGEVAULT_CONFIG", "the configuration file, where --config does not name one") +
         entry("CHANGEVAULT_SECTION_KEY",
               "a key of the configuration, as CHANGEVAULT_STORE_URL; weighs more than the file, less than "
               "--set") +
         entry("CONSUMER_GROUP", "hub.group, where nothing more special sets it") +
         entry("NO_COLOR", "where set and not empty: no colours");
  out += section("FILES") + entry("changevault.toml", "the configuration, in the working directory");
  return out;
}

}  // namespace changevault
