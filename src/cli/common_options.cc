#include "cli/common_options.h"

namespace changevault {

void CommonOptions::add_to(Options& options, bool takes_csv) {
  options
      .add_option("--config", config,
                  "configuration file (else $CHANGEVAULT_CONFIG, else ./changevault.toml)")
      ->type_name("FILE");
  options.add_option("--set", settings, "a setting for this run: section.key=value; may be repeated")
      ->type_name("SETTING")
      ->repeated();
  // csv is read everywhere, so that a verb without it can say so.
  options.add_option("--output", output, takes_csv ? "table, json or csv" : "table or json")
      ->one_of({"table", "json", "csv"})
      ->type_name("FORM");
  options.add_flag("--quiet", quiet, "no progress and no notes");
  options.add_option("--log-level", log_level, "how much daemons say: error, warn, info or debug")
      ->one_of({"error", "warn", "info", "debug"})
      ->type_name("LEVEL");
  options.add_flag("-h,--help", help, "this text");
  options.add_flag("--version", version, "the program's version");
}

}  // namespace changevault
