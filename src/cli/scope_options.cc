#include "cli/scope_options.h"

#include "store/key_layout.h"

namespace changevault {
namespace {

// A glob that means this name and no other, with or without the root in front.
std::string pattern_of_file(std::string_view name) {
  std::string pattern;
  for (const char c : path_under_root(name)) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

}  // namespace

void ScopeOptions::add_to(Options& options) {
  // Four single words, not one list: CLI11 takes a list's word "[ab]" apart, where it is a glob.
  const std::array<const char*, 4> names{"DB", "COLL", "TIME", "HOUR"};
  for (std::size_t i = 0; i < names.size(); ++i) options.add_position(names[i], positions_[i]);
  options.add_option("--db", words_.database, "database; * for any")->type_name("NAME");
  options.add_option("--collection", words_.collection, "collection; * for any")->type_name("NAME");
  options.add_option("--from", words_.from, "from this time on, UTC")->type_name("TIME");
  options.add_option("--to", words_.to, "up to this time, not included")->type_name("TIME");
  options.add_option("--date", words_.date, "a day or month, or A..B with both included")->type_name("DATE");
  options.add_option("--hours", words_.hours, "hours of the day, 14 or 10-15 with both included")
      ->type_name("H-H");
  options.add_option("--op", words_.operations, "operation types: insert,delete")
      ->type_name("LIST")
      ->repeated();  // "--op a b" is not a list either
  options.add_option("--key", words_.key, "document key as in the event, or its _id alone")
      ->type_name("JSON");
  options
      .add_option("--where", words_.where, "a field of the record, by value; may be repeated, all must hold")
      ->type_name("FIELD=VALUE")
      ->repeated();
  options.add_option("--pattern", words_.pattern, "glob over file names, or over paths where it holds a /")
      ->type_name("GLOB");
}

bool ScopeOptions::names_file() const {
  return positions_[0] && KeyLayout::has_file_ending(*positions_[0]);
}

Result<Scope> ScopeOptions::scope() const {
  ScopeWords words = words_;
  for (const auto& word : positions_) {
    if (word) words.positions.push_back(*word);
  }
  if (!names_file()) return parse_scope(words);
  if (words.positions.size() > 1 || words.pattern) {
    return Error(ErrorCode::kUsage, "a file is named, and more than it", words.positions.front(),
                 "give the file alone, or say the scope without it");
  }
  words.positions.clear();
  words.pattern = pattern_of_file(*positions_[0]);
  return parse_scope(words);
}

void note_whole_files(Output& out, const Scope& scope) {
  const bool inside_hours = (scope.time.from.ms != INT64_MIN && scope.time.from.ms % hours(1).ms != 0) ||
                            (scope.time.to.ms != INT64_MAX && scope.time.to.ms % hours(1).ms != 0);
  if (scope.asks_content()) {
    out.note(
        "note: what is in a file is not known without reading: these may hold none of the records that --key "
        "or "
        "--where ask for");
  } else if (!scope.operations.empty() || inside_hours) {
    out.note("note: files are whole: they hold other records than those asked for, too");
  }
}

Result<void> refuse_conditions(const Scope& scope, const std::string& what) {
  if (scope.where.empty()) return {};
  return Error(ErrorCode::kUsage, "--where is about single records, " + what,
               scope.where.front().field + "=" + scope.where.front().value,
               "leave it out; cat, export and recover take it");
}

}  // namespace changevault
