#include "cli/program.h"

#include <algorithm>
#include <cctype>
#include <iterator>

#include "cli/common_options.h"
#include "cli/completion.h"
#include "cli/completion_names.h"
#include "cli/csv.h"
#include "cli/manual.h"
#include "cli/verbs.h"
#include "net/url_text.h"
#include "service/suggest.h"

namespace changevault {
namespace {

// The arguments, with the verb found among them: the first word that is neither a common flag nor the value
// of one.
struct Split {
  std::string verb;  // empty: none
  std::vector<std::string> rest;
  bool json = false;  // wanted, said here so that errors of the command line are JSON too
};

Split split_arguments(const std::vector<std::string>& arguments) {
  const std::vector<std::string> with_value = {"--config", "--set", "--output", "--log-level"};
  Split out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    const bool takes_next = std::find(with_value.begin(), with_value.end(), word) != with_value.end();
    const bool has_next = i + 1 < arguments.size();
    if (word == "--output=json" || (word == "--output" && has_next && arguments[i + 1] == "json"))
      out.json = true;
    const bool is_flag = word.size() > 1 && word[0] == '-';
    if (out.verb.empty() && !is_flag) {
      out.verb = word;
      continue;
    }
    out.rest.push_back(word);
    if (takes_next && has_next) out.rest.push_back(arguments[++i]);
  }
  return out;
}

std::string lowered_first(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

Error unknown_verb(const std::string& word) {
  std::vector<std::string> names;
  for (const auto& verb : all_verbs()) names.push_back(verb->name());
  const std::string near = nearest(word, names);
  return Error(
      ErrorCode::kUsage, "unknown verb", word,
      near.empty() ? "see all verbs with: changevault --help" : "did you mean: changevault " + near + "?");
}

std::string help_of(const std::string& verb) {
  return "see: changevault " + (verb.empty() ? "" : verb + " ") + "--help";
}

Error unknown_words(const Options& options, const std::string& word, const std::string& verb) {
  const std::string help = help_of(verb);
  if (word.size() < 2 || word[0] != '-') return Error(ErrorCode::kUsage, "unexpected word", word, help);
  std::vector<std::string> names;
  for (const FlagWords& flag : options.flags()) {
    std::ranges::copy_if(flag.names, std::back_inserter(names),
                         [](const std::string& name) { return name.starts_with("--"); });
  }
  const std::string flag = word.substr(0, word.find('='));
  const std::string near = nearest(flag, names);
  return Error(ErrorCode::kUsage, "unknown flag", flag,
               near.empty() ? help : "did you mean " + near + "? " + help);
}

Result<void> parse(Options& options, const std::vector<std::string>& words, const std::string& verb) {
  const Result<std::vector<std::string>> left = options.parse(words);
  if (!left) return Error(ErrorCode::kUsage, lowered_first(left.error().message), "", help_of(verb));
  if (!left->empty()) return unknown_words(options, left->front(), verb);
  return {};
}

OutputMode mode_of(const std::string& word) {
  if (word == "json") return OutputMode::kJson;
  return word == "csv" ? OutputMode::kCsv : OutputMode::kTable;
}

Result<int> run_verb(Verb& verb, const CommonOptions& options, const Outside& outside, Output& out) {
  const ConfigurationSources sources{options.config, options.settings, outside.environment,
                                     outside.working_directory};
  CV_ASSIGN(const Configuration configuration, load_configuration(sources, verb.needs_configuration_file()));
  if (options.log_level == "debug") {
    out.note("changevault " + outside.identity.version + ", " + configuration.file.string() +
             (configuration.file_exists ? "" : " (not there)") + ", hub " + configuration.hub.url +
             ", store " + without_secrets(configuration.store.url) + ", warehouse " +
             configuration.warehouse.url);
  }
  Parts parts(configuration, outside.drivers, outside.clock, outside.random);
  parts.on_notice([&out](const std::string& words) { out.note(words); });
  Context context{configuration,     parts,           out, outside.identity, outside.stop,
                  outside.read_line, options.settings};
  Result<int> code = verb.run(context);
  if (!code.has_value()) return code;
  CV_TRY(out.flush());
  return code;
}

int report(Error error, Output& out) {
  if (out.closed()) return kExitDone;  // `| head` has seen enough
  if (error.code == ErrorCode::kCancelled && error.hint.empty())
    error.hint = "run the same command again: what is done stays done, and it goes on from there";
  out.error(error);
  return exit_code(error.code);
}

// `changevault`, `changevault help`, `changevault --version`, `changevault --man`.
int run_without_verb(const std::vector<std::string>& words, bool asked_for_help, const Outside& outside,
                     Output& out) {
  Options options;
  CommonOptions common;
  common.add_to(options, false);
  bool manual = false;
  options.add_flag("--man", manual);
  const Result<void> parsed = parse(options, words, "");
  if (!parsed.has_value()) return report(parsed.error(), out);
  if (common.version) {
    out.print("changevault " + outside.identity.version);
  } else if (manual) {
    ignore_error(out.write(manual_page()), "flushed by the caller");
  } else if (common.help || asked_for_help) {
    ignore_error(out.write(program_help()), "flushed by the caller");
  } else {
    out.complain(program_help());
    return kExitUsage;
  }
  return kExitDone;
}

int run_with_verb(Verb& verb, std::vector<std::string> words, const Outside& outside, Output& out) {
  Options options;
  CommonOptions common;
  common.add_to(options, verb.takes_csv());
  verb.add_options(options);
  verb.spell_out(words);
  const Result<void> parsed = parse(options, words, verb.name());
  if (common.help) {
    ignore_error(out.write(verb_help(verb)), "flushed by the caller");
    return kExitDone;
  }
  if (!parsed.has_value()) return report(parsed.error(), out);
  if (common.version) {
    out.print("changevault " + outside.identity.version);
    return kExitDone;
  }
  if (common.output == "csv" && !verb.takes_csv()) return report(no_csv(verb.name()), out);
  out.set_mode(mode_of(common.output));
  out.set_quiet(common.quiet || common.log_level == "error" || common.log_level == "warn");
  const Result<int> code = run_verb(verb, common, outside, out);
  return code.has_value() ? code.value() : report(code.error(), out);
}

int run_words(const Split& words, const Outside& outside, Output& out) {
  std::string wanted = words.verb;
  std::vector<std::string> rest = words.rest;
  if (wanted == "help" && !rest.empty() && !rest.front().starts_with('-')) {
    wanted = rest.front();
    rest = {"--help"};
  }
  if (wanted.empty() || wanted == "help") return run_without_verb(rest, wanted == "help", outside, out);
  for (const auto& verb : all_verbs()) {
    if (verb->name() == wanted) return run_with_verb(*verb, rest, outside, out);
  }
  return report(unknown_verb(wanted), out);
}

}  // namespace

int run_program(const std::vector<std::string>& arguments, const Outside& outside) {
  Output out(outside.out, outside.err, outside.terminal);
  if (!arguments.empty() && arguments.front() == kCompleteWord) {
    print_completions({arguments.begin() + 1, arguments.end()}, outside, out);
    return kExitDone;
  }
  const Split words = split_arguments(arguments);
  if (words.json) out.set_mode(OutputMode::kJson);
  const int code = run_words(words, outside, out);
  const Result<void> flushed = out.flush();
  return flushed.has_value() || code != kExitDone ? code : report(flushed.error(), out);
}

}  // namespace changevault
