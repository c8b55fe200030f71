// A program run as a child, and what it cost.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace changevault::bench {

// The whole benchmark ends with this: a row whose result is wrong or that could not be run has no figure.
class Failed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One run of one contender.
struct Sample {
  double wall = 0;        // seconds
  double cpu = 0;         // seconds, of the process and the children it waited for
  std::int64_t peak = 0;  // bytes resident at most; 0: says nothing (holds its input for the measurement)
  double amount = 0;      // of the work's unit
};

struct Finished {
  int exit_code = -1;
  Sample sample;  // without amount
  std::filesystem::path output;
};

// Runs argv (argv[0]: a path, or a name found in PATH) in `folder`, its output into the file `folder`/out,
// and waits. What it says on stderr is shown only where it fails. Throws Failed where it cannot be started or
// ends by a signal.
Finished run(const std::vector<std::string>& argv, const std::filesystem::path& folder);

// The same, and throws Failed unless it ends with `exit_code`.
Finished run_to(int exit_code, const std::vector<std::string>& argv, const std::filesystem::path& folder);

std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& bytes);

// Throws Failed where they differ.
void expect(const std::string& what, std::int64_t found, std::int64_t wanted);

}  // namespace changevault::bench
