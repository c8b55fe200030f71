// The flags that every verb takes.
#pragma once

#include <string>
#include <vector>

#include "cli/options.h"

namespace changevault {

struct CommonOptions {
  std::string config;
  std::vector<std::string> settings;
  std::string output = "table";
  bool quiet = false;
  std::string log_level = "info";
  bool help = false;
  bool version = false;

  void add_to(Options& options, bool takes_csv);
};

}  // namespace changevault
