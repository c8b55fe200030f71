#include "cli/completion.h"
#include "cli/verbs.h"
#include "service/suggest.h"

namespace changevault {
namespace {

class CompletionVerb final : public Verb {
 public:
  std::string name() const override { return "completion"; }
  std::string summary() const override {
    return "a script that lets a shell complete verbs, flags and names";
  }
  std::string usage() const override { return "bash|zsh|fish"; }
  std::string details() const override {
    return "Verbs, flags and their values, files where files are meant; names of databases and collections "
           "where the\n"
           "archive is a directory of this machine.";
  }
  std::string examples() const override {
    return "source <(changevault completion bash)                                           in ~/.bashrc\n"
           "changevault completion zsh > ~/.zfunc/_changevault                              a folder of "
           "$fpath\n"
           "changevault completion fish > ~/.config/fish/completions/changevault.fish";
  }
  std::vector<std::string> first_words() const override { return known_shells(); }
  bool needs_configuration_file() const override { return false; }
  void add_options(Options& options) override { options.add_position("SHELL", shell_); }

  Result<int> run(Context& context) override {
    const std::string script = completion_script(shell_);
    if (!script.empty()) {
      CV_TRY(context.out.write(script));
      return kExitDone;
    }
    const std::string near = nearest(shell_, known_shells());
    return Error(ErrorCode::kUsage, shell_.empty() ? "no shell is named" : "this shell is not known", shell_,
                 near.empty() ? "known are bash, zsh and fish; for example: changevault completion bash"
                              : "did you mean: changevault completion " + near + "?");
  }

 private:
  std::string shell_;
};

}  // namespace

std::unique_ptr<Verb> make_completion_verb() {
  return std::make_unique<CompletionVerb>();
}

}  // namespace changevault
