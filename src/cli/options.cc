#include "cli/options.h"

#include <algorithm>
#include <charconv>
#include <deque>

#include <CLI/CLI.hpp>

namespace changevault {
namespace {

// The refusal of the library's own check is no sentence.
CLI::Validator is_whole_number() {
  const auto check = [](std::string& text) -> std::string {
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, failed] = std::from_chars(text.data(), end, value);
    const bool whole = failed == std::errc() && stop == end && value >= 0;
    return whole ? "" : "\"" + text + "\" is not a whole number, 0 or more";
  };
  return CLI::Validator(check, "");
}

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> out;
  for (const std::string& name : option.get_lnames()) out.push_back("--" + name);
  for (const std::string& name : option.get_snames()) out.push_back("-" + name);
  return out;
}

}  // namespace

class Options::Added final : public Options::Option {
 public:
  Added(Options& owner, std::size_t index, CLI::Option& option)
      : owner_(owner), index_(index), option_(option) {}

  Option* type_name(const std::string& word) override {
    owner_.flags_[index_].value = word;
    option_.type_name(word);
    return this;
  }
  Option* one_of(const std::vector<std::string>& choices) override {
    owner_.flags_[index_].choices = choices;
    option_.check(CLI::IsMember(choices));
    return this;
  }
  Option* whole_number() override {
    option_.check(is_whole_number());
    return this;
  }
  Option* repeated() override {
    option_.allow_extra_args(false);
    return this;
  }

 private:
  Options& owner_;
  std::size_t index_;
  CLI::Option& option_;
};

struct Options::Impl {
  CLI::App app;
  std::deque<Added> added;  // Option* point into it
};

Options::Options() : impl_(std::make_unique<Impl>()) {
  impl_->app.set_help_flag();  // our own texts
  impl_->app.allow_extras();
}

Options::~Options() = default;

void Options::add_flag(const std::string& names, bool& to, const std::string& description) {
  const CLI::Option* const option = impl_->app.add_flag(names, to, description);
  flags_.push_back({names_of(*option), "", {}, description});
}

template <typename To>
Options::Option* Options::add(const std::string& names, To& to, const std::string& description) {
  CLI::Option* const option = impl_->app.add_option(names, to, description);
  flags_.push_back({names_of(*option), option->get_type_name(), {}, description});
  return &impl_->added.emplace_back(*this, flags_.size() - 1, *option);
}

template <typename To>
void Options::place(const std::string& name, To& to) {
  impl_->app.add_option(name, to);
  positions_.push_back(name);
}

Options::Option* Options::add_option(const std::string& names, std::string& to,
                                     const std::string& description) {
  return add(names, to, description);
}
Options::Option* Options::add_option(const std::string& names, std::optional<std::string>& to,
                                     const std::string& description) {
  return add(names, to, description);
}
Options::Option* Options::add_option(const std::string& names, std::vector<std::string>& to,
                                     const std::string& description) {
  return add(names, to, description);
}
Options::Option* Options::add_option(const std::string& names, std::optional<std::int32_t>& to,
                                     const std::string& description) {
  return add(names, to, description);
}
Options::Option* Options::add_option(const std::string& names, std::optional<std::int64_t>& to,
                                     const std::string& description) {
  return add(names, to, description);
}
Options::Option* Options::add_option(const std::string& names, std::int64_t& to,
                                     const std::string& description) {
  return add(names, to, description);
}

void Options::add_position(const std::string& name, std::string& to) {
  place(name, to);
}
void Options::add_position(const std::string& name, std::optional<std::string>& to) {
  place(name, to);
}
void Options::add_position(const std::string& name, std::vector<std::string>& to) {
  place(name, to);
}

Result<std::vector<std::string>> Options::parse(std::vector<std::string> words) {
  std::ranges::reverse(words);  // what CLI11 takes
  try {
    impl_->app.parse(words);
  } catch (const CLI::ParseError& error) {  // the library's way to say it; goes no further
    return Error(ErrorCode::kUsage, error.what());
  }
  return impl_->app.remaining();
}

}  // namespace changevault
