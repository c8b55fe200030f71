// The program without its process: arguments in, exit code out.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/context.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "service/drivers.h"

namespace changevault {

// What main gives; all references outlive the call.
struct Outside {
  const Drivers& drivers;
  Clock& clock;
  Random& random;
  Writer& out;
  Writer& err;
  Terminal terminal;
  Identity identity;
  Environment environment;
  std::filesystem::path working_directory;
  std::stop_token stop;
  std::function<std::optional<std::string>()> read_line;
};

// `arguments` without the program's name.
int run_program(const std::vector<std::string>& arguments, const Outside& outside);

// The text of `changevault --help`, and of `changevault VERB --help`.
std::string program_help();
std::string verb_help(Verb& verb);

}  // namespace changevault
