// One archiver on a topic of a real Kafka, beside a client that throws everything away, and one that only
// compresses. The broker is a process on the same cores: the figures are ratios of one run.
#include <memory>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "bench/suite/works.h"
#include "tests/support/kafka_broker.h"

namespace changevault::bench {
namespace {

namespace fs = std::filesystem;
using changevault::testing::KafkaBroker;
using nlohmann::json;

constexpr const char* kTopic = "bench";

// A topic with the dataset's events, and folders for those who read it.
class Topic {
 public:
  Topic(const Bench& bench, const Dataset& dataset) : bench_(bench), dataset_(dataset) {
    if (!KafkaBroker::available()) throw Failed("kafka: " + KafkaBroker::why_not());
    broker_.create_topic(kTopic, 4);
    run_to(0,
           {bench.program, "publish", dataset.event_file(), "--set", url(), "--set", "store.url=file:none",
            "--set", "warehouse.url=duckdb:none"},
           fresh_folder("kafka-publish"));
  }

  // A new archive in a folder and a group of its own.
  Sample archive() {
    const fs::path folder = fresh_folder("kafka-archive");
    const std::string group = fmt::format("hub.group=bench-{}", ++archives_);
    run_to(0, {bench_.program, "init", "--set", url(), "--set", group}, folder);
    Finished done = run_to(0, {bench_.program, "archive", "--once", "--output", "json"}, folder);
    expect("archived records", json::parse(read_file(done.output)).at("records"), dataset_.events());
    return with_amount(done);
  }

  Sample shell(const std::string& behind) {
    const fs::path folder = fresh_folder("kafka-kcat");
    const std::string read =
        "kcat -C -q -e -o beginning -b " + broker_.bootstrap() + " -t " + kTopic + " " + behind;
    Finished done = run_to(0, {"sh", "-c", read}, folder);
    return with_amount(done);
  }

 private:
  fs::path fresh_folder(const std::string& name) const {
    fs::path folder = bench_.folder / name;
    fs::remove_all(folder);
    fs::create_directories(folder);
    return folder;
  }
  std::string url() const { return "hub.url=kafka://" + broker_.bootstrap() + "/" + kTopic; }
  Sample with_amount(Finished done) const {
    done.sample.amount = dataset_.event_megabytes();
    return done.sample;
  }

  const Bench& bench_;
  const Dataset& dataset_;
  KafkaBroker broker_;
  int archives_ = 0;
};

}  // namespace

Work kafka_work(const Bench& bench, const Dataset& dataset) {
  const auto topic = std::make_shared<Topic>(bench, dataset);
  return {
      "kafka",
      "a topic of a real Kafka into the archive, one archiver",
      "MB of messages",
      {{"changevault archive --once", [topic] { return topic->archive(); }},
       {"kcat > /dev/null", [topic] { return topic->shell("> /dev/null"); }},
       {"kcat | gzip -6", [topic] { return topic->shell("| gzip -6 > out.gz"); }, 1}},
      {{GoalKind::kWallRatio, 0.5, 1}, {GoalKind::kWallRatio, 3, 2}, {GoalKind::kPeak, 512.0 * (1 << 20)}}};
}

}  // namespace changevault::bench
