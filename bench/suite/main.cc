// vault_bench: the product beside what people use today, on this machine, in one run. See --help.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "bench/suite/pieces.h"
#include "bench/suite/report.h"
#include "bench/suite/works.h"

namespace changevault::bench {
namespace {

struct Options {
  Bench bench;
  int rounds = 3;
  std::vector<std::string> only;
  std::string output = "table";
  std::string save;
  std::vector<std::string> compare;
};

bool wanted(const Options& options, const std::string& id) {
  if (options.only.empty()) return true;
  for (const std::string& prefix : options.only) {
    if (id.starts_with(prefix)) return true;
  }
  return false;
}

bool wanted_any(const Options& options, const std::vector<std::string>& ids) {
  return std::ranges::any_of(ids, [&](const std::string& id) { return wanted(options, id); });
}

std::vector<WorkResult> measure_all(const Options& options) {
  const Bench& bench = options.bench;
  const Dataset large(bench, bench.events);
  std::vector<WorkResult> results;
  const auto take = [&](const Work& work) {
    if (!wanted(options, work.id)) return;
    fmt::print(stderr, "{}\n", work.title);
    results.push_back(measure(work, options.rounds));
  };
  take(archive_work(bench, large));
  take(publish_work(bench, large));
  take(verify_work(bench, large));
  take(count_work(bench, large));
  for (const Work& work : filter_works(bench, large)) take(work);
  take(load_work(bench, large));
  take(recover_absent_work(bench, large));
  take(recover_present_work(bench, large));
  if (wanted(options, "gaps")) take(gaps_work(bench));
  if (wanted(options, "memory")) {
    const Dataset small(bench, bench.events / 4);
    for (const Work& work : memory_works(small, large)) take(work);
  }
  if (wanted_any(options, {"azure-get-small", "azure-get-large", "azure-put"})) {
    for (const Work& work : azure_works(bench)) take(work);
  }
  if (wanted(options, "kafka")) take(kafka_work(bench, large));
  if (results.empty()) throw Failed("--only names no work");
  return results;
}

int run_all(const Options& options) {
  const std::vector<WorkResult> results = measure_all(options);
  const std::string json = json_of(results);
  if (!options.save.empty()) write_file(std::filesystem::absolute(options.save), json);
  fmt::print("{}", options.output == "json" ? json : table_of(results));
  return 0;
}

int run_suite(int argc, char** argv) {
  Options options;
  CLI::App app(
      "vault_bench: every work of the product beside its peer, results checked; the best of some rounds");
  std::string program;
  std::string folder = "build/bench";
  options.bench.events = 400'000;
  app.add_option("--program", program, "the changevault to measure");
  app.add_option("--folder", folder, "where data is made and kept");
  app.add_option("--events", options.bench.events, "size of the hour")->check(CLI::Range(1000, 100'000'000));
  app.add_option("--rounds", options.rounds, "runs of each contender")->check(CLI::Range(1, 100));
  app.add_option("--only", options.only, "works whose name starts so");
  app.add_option("--output", options.output, "table or json")->check(CLI::IsMember({"table", "json"}));
  app.add_option("--save", options.save, "write the JSON to this file as well");
  app.add_option("--compare", options.compare, "two such files: the first is the base; nothing is run")
      ->expected(2);
  CLI11_PARSE(app, argc, argv);
  if (!options.compare.empty()) {
    fmt::print("{}", comparison_of(read_file(options.compare[0]), read_file(options.compare[1])));
    return 0;
  }
  options.bench.self = std::filesystem::canonical("/proc/self/exe");
  options.bench.program =
      program.empty() ? options.bench.self.parent_path() / "changevault" : std::filesystem::absolute(program);
  options.bench.folder = std::filesystem::absolute(folder);
  std::filesystem::create_directories(options.bench.folder);
  return run_all(options);
}

}  // namespace
}  // namespace changevault::bench

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() > 1 && words[0] == "--piece") {
      return changevault::bench::piece_main({words.begin() + 1, words.end()});
    }
    return changevault::bench::run_suite(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "vault_bench: {}\n", error.what());
    return 1;
  }
}
