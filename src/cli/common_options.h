// The flags that every verb takes.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace changevault {

struct CommonOptions {
  std::string config;
  std::vector<std::string> settings;
  std::string output = "table";
  bool quiet = false;
  std::string log_level = "info";
  bool help = false;
  bool version = false;

  void add_to(CLI::App& app, bool takes_csv);
};

// For counts on the command line: its refusal is a sentence, unlike that of the library's own.
CLI::Validator whole_number();

}  // namespace changevault
