// A changevault of a test's own: the real program, run in a folder that is gone afterwards.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/generator.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace changevault::testing {

using nlohmann::json;

inline constexpr Timestamp kShopStart{1'736'899'200'000};  // 2025-01-15T00:00:00Z

class Vault {
 public:
  const std::filesystem::path& folder() const { return folder_.path(); }
  ProcessOptions& options() { return options_; }

  Outcome run(const std::vector<std::string>& arguments) {
    std::vector<std::string> argv{program_path()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    options_.folder = folder();
    return testing::run(argv, options_);
  }

  // Runs and expects this exit code; says what the program said where it is another.
  Outcome expect(int exit_code, const std::vector<std::string>& arguments) {
    Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code)
        << line_of(arguments) << "\nstdout: " << outcome.out.substr(0, 4000)
        << "\nstderr: " << outcome.err.substr(0, 4000);
    return outcome;
  }

  // The one JSON document that the verb prints with --output json.
  json expect_json(int exit_code, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--output", "json"});
    const Outcome outcome = expect(exit_code, arguments);
    json document = json::parse(outcome.out, nullptr, false);
    EXPECT_FALSE(document.is_discarded())
        << line_of(arguments) << " printed no JSON: " << outcome.out.substr(0, 1000);
    return document;
  }

  // The rows of a statement, each a list of values as text.
  std::vector<std::vector<std::string>> rows(const std::string& statement) {
    std::vector<std::vector<std::string>> out;
    const json document = expect_json(0, {"sql", statement});
    for (const json& row : document.at("rows")) {
      out.emplace_back();
      for (const json& value : row)
        out.back().push_back(value.is_string() ? value.get<std::string>() : value.dump());
    }
    return out;
  }

  // The first value of the first row, a number.
  std::int64_t number(const std::string& statement) { return std::stoll(rows(statement).at(0).at(0)); }

  std::string write(const std::string& name, const std::string& bytes) {
    const std::filesystem::path path = folder() / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

  // A file of a shop's change events, six hours of them from kShopStart on.
  std::string write_shop_events(std::int64_t count, std::uint64_t seed) {
    const std::string path = folder() / ("events-" + std::to_string(seed) + ".jsonl");
    std::ofstream out(path, std::ios::binary);
    GeneratorOptions options;
    options.seed = seed;
    options.first = kShopStart;
    options.last = kShopStart + hours(6);
    options.events = count;
    options.collections = shop_collections(hour_of(kShopStart + hours(3)));
    generate_events(options, [&](const GeneratedEvent& event) { out << event.line << '\n'; });
    return path;
  }

  // Publishes a file with the events' own times and follows it into the warehouse; every hour is sealed then.
  void import(const std::string& path) {
    expect(0, {"publish", "--time-from", "cluster_time", path});
    expect(0, {"archive", "--once", "--close"});
    expect(0, {"load", "--once"});
  }

 private:
  static std::string line_of(const std::vector<std::string>& arguments) {
    std::string out = "changevault";
    for (const std::string& argument : arguments) out += " '" + argument + "'";
    return out;
  }

  TempDir folder_;
  ProcessOptions options_;
};

}  // namespace changevault::testing
