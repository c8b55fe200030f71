#include "cli/completion.h"

#include <algorithm>

#include "cli/characters.h"
#include "cli/grammar.h"

namespace changevault {
namespace {

bool is_flag(const std::string& word) {
  return word.size() > 1 && word[0] == '-';
}

bool is_harmless(std::string_view text) {
  while (!text.empty()) {
    const Character c = first_character(text);
    if (c.code < 0 || steers_terminal(c.code)) return false;
    text.remove_prefix(c.bytes);
  }
  return true;
}

class Completer {
 public:
  Completer(const std::vector<std::string>& words, const KnownNames& names)
      : names_(names), verbs_(all_words()), current_(words.empty() ? "" : words.back()) {
    if (!words.empty()) read({words.begin(), words.end() - 1});
  }

  Completions run() {
    const VerbWords nothing{"", "", "", "", "", {}, program_flags(), {}, {}};
    const VerbWords& verb = verb_ != nullptr ? *verb_ : nothing;
    if (!open_flag_.empty()) {
      const FlagWords* const flag = find_flag(verb, open_flag_);
      if (flag != nullptr) value_of(*flag);
    } else if (current_.starts_with('-')) {
      for (const auto* const list : {&verb.flags, &verb.common}) {
        for (const FlagWords& flag : *list) offer(flag.names.front(), flag.description);
      }
    } else if (verb_ == nullptr) {
      for (const VerbWords& known : verbs_) offer(known.name, known.summary);
      offer("help", "");
    } else {
      position(verb);
    }
    return std::move(out_);
  }

 private:
  // The verb, the positions and the last flag's missing value, of the words before the cursor.
  void read(const std::vector<std::string>& words) {
    for (const std::string& word : words) {
      if (!open_flag_.empty()) {
        if (open_flag_ == "--db") database_ = word;
        open_flag_.clear();
      } else if (is_flag(word)) {
        if (word.find('=') == std::string::npos && takes_value(word)) open_flag_ = word;
        if (word.starts_with("--db=")) database_ = word.substr(5);
      } else if (verb_ == nullptr) {
        const auto found = std::find_if(verbs_.begin(), verbs_.end(),
                                        [&](const VerbWords& verb) { return verb.name == word; });
        if (found != verbs_.end()) verb_ = &*found;
      } else {
        positions_.push_back(word);
      }
    }
  }

  bool takes_value(const std::string& name) const {
    if (verb_ != nullptr) {
      const FlagWords* const flag = find_flag(*verb_, name);
      return flag != nullptr && !flag->value.empty();
    }
    const std::vector<FlagWords> flags = program_flags();
    return std::any_of(flags.begin(), flags.end(), [&](const FlagWords& flag) {
      return !flag.value.empty() && std::find(flag.names.begin(), flag.names.end(), name) != flag.names.end();
    });
  }

  void offer(const std::string& word, const std::string& description) {
    if (word.starts_with(current_) && is_harmless(word)) out_.words.push_back({word, description});
  }
  void offer(const std::vector<std::string>& words) {
    for (const std::string& word : words) offer(word, "");
  }

  void value_of(const FlagWords& flag) {
    const std::string& name = flag.names.front();
    if (!flag.choices.empty()) {
      offer(flag.choices);
    } else if (name == "--db") {
      offer(names_.databases());
    } else if (name == "--collection") {
      offer_collections(positions_.empty() ? database_ : positions_.front());
    } else if (flag.value == "FILE") {
      out_.kind = Completions::Kind::kFiles;
    } else if (flag.value == "DIR") {
      out_.kind = Completions::Kind::kFolders;
    }
  }

  void position(const VerbWords& verb) {
    const std::size_t at = positions_.size();
    if (verb.positions.empty()) return;
    const std::string& last = verb.positions.back();
    const std::string name = at < verb.positions.size() ? verb.positions[at] : last == "FILE" ? last : "";
    if (at == 0 && !verb.first_words.empty()) {
      offer(verb.first_words);
    } else if (name == "DB") {
      offer(names_.databases());
    } else if (name == "COLL") {
      offer_collections(positions_.front());
    } else if (name == "FILE") {
      out_.kind = Completions::Kind::kFiles;
    }
  }

  void offer_collections(const std::string& database) {
    if (!database.empty()) offer(names_.collections(database));
  }

  const KnownNames& names_;
  const std::vector<VerbWords> verbs_;
  std::string current_;
  const VerbWords* verb_ = nullptr;
  std::vector<std::string> positions_;
  std::string database_;
  std::string open_flag_;  // whose value stands at the cursor
  Completions out_;
};

// No word of the program's answer is ever evaluated by the shell: a collection may be called $(reboot).
constexpr const char* kBash =
    R"(# bash completion for changevault; load it with: source <(changevault completion bash)
_changevault() {
  local i line word quoted kind=words first=1 current=${COMP_WORDS[COMP_CWORD]}
  local -a before=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ ${COMP_WORDS[i]} == = ]] || before+=("${COMP_WORDS[i]}")
  done
  [[ $current == = ]] && current=
  COMPREPLY=()
  while IFS= read -r line; do
    if ((first)); then
      first=0 kind=$line
      continue
    fi
    word=${line%%$'\t'*}
    printf -v quoted %q "$word"
    COMPREPLY+=("$quoted")
  done < <(changevault __complete "${before[@]}" "$current" 2>/dev/null)
  case $kind in
    files) compopt -o default 2>/dev/null ;;
    folders) compopt -o dirnames 2>/dev/null ;;
  esac
}
complete -F _changevault changevault
)";

constexpr const char* kZsh = R"(#compdef changevault
# zsh completion for changevault; load it with: source <(changevault completion zsh)
_changevault() {
  local -a lines candidates descriptions
  local line
  lines=("${(@f)$(changevault __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  case $lines[1] in
    files) _files ;;
    folders) _files -/ ;;
    *)
      for line in "${(@)lines[2,-1]}"; do
        [[ -n $line ]] || continue
        candidates+=("${line%%$'\t'*}")
        descriptions+=("${line//$'\t'/  -- }")
      done
      compadd -l -d descriptions -a candidates
      ;;
  esac
}
if [[ $funcstack[1] == _changevault ]]; then
  _changevault "$@"
else
  compdef _changevault changevault
fi
)";

constexpr const char* kFish =
    R"(# fish completion for changevault; load it with: changevault completion fish | source
function __changevault_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l lines (changevault __complete $before[2..-1] "$current" 2>/dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path "$current"
        case folders
            __fish_complete_directories "$current"
        case '*'
            printf '%s\n' $lines[2..-1]
    end
end
complete -c changevault -f -a '(__changevault_complete)'
)";

}  // namespace

Completions complete(const std::vector<std::string>& words, const KnownNames& names) {
  return Completer(words, names).run();
}

std::string lines_of(const Completions& completions) {
  std::string out = completions.kind == Completions::Kind::kFiles     ? "files\n"
                    : completions.kind == Completions::Kind::kFolders ? "folders\n"
                                                                      : "words\n";
  for (const Candidate& candidate : completions.words)
    out += candidate.word + (candidate.description.empty() ? "" : "\t" + candidate.description) + "\n";
  return out;
}

std::string completion_script(const std::string& shell) {
  return shell == "bash" ? kBash : shell == "zsh" ? kZsh : shell == "fish" ? kFish : "";
}

std::vector<std::string> known_shells() {
  return {"bash", "zsh", "fish"};
}

}  // namespace changevault
