// Into the archive, and reading it.
#include <map>
#include <sstream>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "bench/suite/pieces.h"
#include "bench/suite/works.h"

namespace changevault::bench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::int64_t kPermilleForZlib =
    150;  // at some 40 MB/s the whole would take longer than all the rest

std::string shell_words(const std::vector<fs::path>& paths) {
  std::string out;
  for (const fs::path& path : paths) out += " '" + path.string() + "'";
  return out;
}

std::int64_t bytes_of(const std::vector<fs::path>& paths) {
  std::int64_t sum = 0;
  for (const fs::path& path : paths) sum += static_cast<std::int64_t>(fs::file_size(path));
  return sum;
}

}  // namespace

Work archive_work(const Bench& bench, const Dataset& dataset) {
  const auto ours = [&bench, &dataset] {
    const PieceResult done =
        run_piece(bench, {"archive", dataset.event_file(), bench.folder / "archive-piece"});
    // The same text but for the positions' digits: one partition here, four there.
    const double text = json::parse(done.result).at("text_bytes").get<double>();
    if (text < 0.98 * dataset.text_megabytes() * 1e6 || text > 1.02 * dataset.text_megabytes() * 1e6) {
      throw Failed(
          fmt::format("archive: {} bytes of text, expected about {}", text, dataset.text_megabytes()));
    }
    return done.sample;
  };
  const auto isal = [&bench, &dataset] {
    const PieceResult done = run_piece(bench, {"isal", dataset.record_file()});
    expect("ISA-L: bytes of text", json::parse(done.result).at("text_bytes"),
           static_cast<std::int64_t>(fs::file_size(dataset.record_file())));
    return done.sample;
  };
  const auto zlib = [&bench, &dataset] {
    return run_piece(bench, {"zlib", dataset.record_file(), std::to_string(kPermilleForZlib)}).sample;
  };
  return {"archive",
          "events in memory to segments on disk, one core",
          "MB of text",
          {{"changevault", ours}, {"ISA-L level 1 alone", isal}, {"zlib -6 alone", zlib, 1}},
          {{GoalKind::kWallRatio, 0.5, 1}, {GoalKind::kWallRatio, 6, 2}}};
}

Work publish_work(const Bench& bench, const Dataset& dataset) {
  const auto ours = [&bench, &dataset] {
    const fs::path folder = bench.folder / "publish";
    fs::remove_all(folder);
    fs::create_directories(folder);
    run_to(0, {bench.program, "init", "--set", "hub.partitions=4"}, folder);
    Finished done = run_to(0, {bench.program, "publish", dataset.event_file(), "--output", "json"}, folder);
    expect("published events", json::parse(read_file(done.output)).at("events"), dataset.events());
    done.sample.amount = static_cast<double>(dataset.events());
    return done.sample;
  };
  return {"publish",
          fmt::format("publish into the embedded hub, events of {:.0f} bytes",
                      dataset.event_megabytes() * 1e6 / static_cast<double>(dataset.events())),
          "events",
          {{"changevault", ours}},
          {{GoalKind::kRate, 60'000}}};
}

Work verify_work(const Bench&, const Dataset& dataset) {
  const double text = dataset.text_megabytes();
  const auto ours = [&dataset, text] {
    Finished done = dataset.verb({"verify", "--output", "json"});
    const json report = json::parse(read_file(done.output));
    expect("records verified", report.at("records_checked"), dataset.events());
    if (report.at("result") != "PASS") throw Failed("verify did not pass");
    done.sample.amount = text;
    return done.sample;
  };
  const auto peer = [&dataset, text] {
    Finished done =
        run_to(0, {"sh", "-c", "gunzip -c" + shell_words(dataset.segments()) + " | wc -l"}, dataset.vault());
    expect("lines counted", std::stoll(read_file(done.output)), dataset.events());
    done.sample.amount = text;
    return done.sample;
  };
  return {"verify",
          "verify: inflate, parse, build again, count, digest, sha256",
          "MB of text",
          {{"changevault", ours}, {"gunzip -c | wc -l", peer}},
          {{GoalKind::kWallRatio, 6, 1}, {GoalKind::kCpuRatio, 4, 1}}};
}

Work count_work(const Bench& bench, const Dataset& dataset) {
  const auto ours = [&bench, &dataset] {
    std::vector<std::string> arguments{"count"};
    for (const fs::path& file : dataset.segments()) arguments.push_back(file);
    const PieceResult done = run_piece(bench, arguments);
    const json counts = json::parse(done.result);
    std::int64_t records = 0;
    for (const json& n : counts) records += n.get<std::int64_t>();
    expect("records counted", records, dataset.events());
    return done.sample;
  };
  // One file of them: the peer would take minutes for all.
  const auto peer = [&bench, &dataset] {
    const std::vector<fs::path> all = dataset.segments();
    const std::vector<fs::path> one{all.front()};
    Finished done =
        run_to(0, {"sh", "-c", "gunzip -c" + shell_words(one) + " | jq -r .operation_type | sort | uniq -c"},
               bench.folder);
    std::istringstream lines(read_file(done.output));
    std::map<std::string, std::int64_t> counts;
    std::int64_t n = 0;
    for (std::string operation; lines >> n >> operation;) counts[operation] = n;
    const PieceResult ours_of_it = run_piece(bench, {"count", one.front()});
    if (json(counts) != json::parse(ours_of_it.result)) throw Failed("jq and changevault count otherwise");
    done.sample.amount =
        dataset.text_megabytes() * static_cast<double>(bytes_of(one)) / static_cast<double>(bytes_of(all));
    return done.sample;
  };
  return {"count",
          "records per operation, every byte read",
          "MB of text",
          {{"changevault", ours}, {"gunzip -c | jq", peer, 1}},
          {{GoalKind::kWallRatio, 25, 1}}};
}

}  // namespace changevault::bench
