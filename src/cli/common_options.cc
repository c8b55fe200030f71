#include "cli/common_options.h"

#include <charconv>
#include <cstdint>

namespace changevault {

void CommonOptions::add_to(CLI::App& app, bool takes_csv) {
  app.set_help_flag();  // our own texts
  app.add_option("--config", config, "configuration file (else $CHANGEVAULT_CONFIG, else ./changevault.toml)")
      ->type_name("FILE");
  app.add_option("--set", settings, "a setting for this run: section.key=value; may be repeated")
      ->type_name("SETTING")
      ->allow_extra_args(false);
  // csv is read everywhere, so that a verb without it can say so.
  app.add_option("--output", output, takes_csv ? "table, json or csv" : "table or json")
      ->check(CLI::IsMember({"table", "json", "csv"}))
      ->type_name("FORM");
  app.add_flag("--quiet", quiet, "no progress and no notes");
  app.add_option("--log-level", log_level, "how much daemons say: error, warn, info or debug")
      ->check(CLI::IsMember({"error", "warn", "info", "debug"}))
      ->type_name("LEVEL");
  app.add_flag("-h,--help", help, "this text");
  app.add_flag("--version", version, "the program's version");
}

CLI::Validator whole_number() {
  const auto check = [](std::string& text) -> std::string {
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, failed] = std::from_chars(text.data(), end, value);
    const bool whole = failed == std::errc() && stop == end && value >= 0;
    return whole ? "" : "\"" + text + "\" is not a whole number, 0 or more";
  };
  return CLI::Validator(check, "");
}

}  // namespace changevault
