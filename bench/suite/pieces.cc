#include "bench/suite/pieces.h"

#include <chrono>

#include <fmt/core.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

namespace changevault::bench {
namespace {

double wall_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double cpu_now() {
  struct rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

PieceResult run_named(const std::string& name, const std::vector<std::string>& rest) {
  if (name == "archive") return archive_piece(rest.at(0), rest.at(1));
  if (name == "isal") return isal_piece(rest.at(0));
  if (name == "zlib") return zlib_piece(rest.at(0), std::stoul(rest.at(1)));
  if (name == "count") return count_piece(rest);
  const std::vector<std::string> files(rest.begin() + 1, rest.end());
  if (name == "read_json") return read_json_piece(rest.at(0), files);
  if (name == "merge") return merge_piece(rest.at(0), files);
  throw Failed("no such piece: " + name);
}

}  // namespace

Stopwatch::Stopwatch() : wall_(wall_now()), cpu_(cpu_now()) {}

Sample Stopwatch::stop() const {
  return {wall_now() - wall_, cpu_now() - cpu_, 0, 0};
}

int piece_main(const std::vector<std::string>& arguments) {
  const PieceResult done = run_named(arguments.at(0), {arguments.begin() + 1, arguments.end()});
  fmt::print(R"({{"wall":{},"cpu":{},"amount":{},"result":{}}})", done.sample.wall, done.sample.cpu,
             done.sample.amount, done.result);
  return 0;
}

PieceResult run_piece(const Bench& bench, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {bench.self, "--piece"});
  const Finished done = run_to(0, arguments, bench.folder);
  const auto document = nlohmann::json::parse(read_file(done.output));
  return {{document.at("wall"), document.at("cpu"), 0, document.at("amount")}, document.at("result").dump()};
}

}  // namespace changevault::bench
