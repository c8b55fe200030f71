// Archive and files against Azurite on loopback, beside the programs that people use for it. Azurite is one
// node process on the same cores: the figures are ratios of one run, not those of a cloud.
#include <cstdlib>
#include <map>
#include <memory>
#include <random>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/hash.h"
#include "bench/suite/works.h"
#include "net/url_text.h"
#include "tests/support/azurite.h"

namespace changevault::bench {
namespace {

namespace fs = std::filesystem;
using changevault::testing::Azurite;
using nlohmann::json;

constexpr const char* kAccount = "devstoreaccount1";
constexpr const char* kKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

struct Shape {
  std::string name;
  int collections;
  int hours;
  int events;  // of an hour and collection
  int bytes;   // of text in each, which compresses to half
};
const Shape kSmall{"small", 40, 25, 20, 9'500};     // 1,000 files of 100 KB
const Shape kLarge{"large", 1, 24, 2'000, 10'000};  // 24 files of 10 MB

// An archive on this machine and its copy in a container.
class Data {
 public:
  Data(const Bench& bench, Shape shape)
      : bench_(bench), shape_(std::move(shape)), folder_(bench.folder / ("azure-" + shape_.name)) {
    azurite_ = Azurite::shared();
    if (azurite_ == nullptr) throw Failed("azure: " + Azurite::why_not());
    ::setenv("AZURE_STORAGE_CONNECTION_STRING", azurite_->connection_string().c_str(), 1);
    if (!fs::exists(folder_ / "made")) make();
    const std::string config =
        "[az]\ntype = azureblob\nuse_emulator = true\nendpoint = " + azurite_->endpoint() + "\n";
    write_file(folder_ / "rclone.conf", config);
    run_to(0, {bench.program, "copy", "--to", url(container_), "--output", "json"}, folder_);
    write_curl_list();
  }

  const Bench& bench() const { return bench_; }
  const fs::path& folder() const { return folder_; }
  fs::path archive() const { return folder_ / "data/archive/changestreams"; }
  static std::string url(const std::string& container) {
    return fmt::format("azure://{}/{}", kAccount, container);
  }
  const std::string& container() const { return container_; }
  std::vector<std::string> rclone(std::vector<std::string> rest) const {
    rest.insert(rest.begin(), {"rclone", "--config", folder_ / "rclone.conf"});
    return rest;
  }
  double megabytes() const {
    double sum = 0;
    for (const auto& [name, path] : files()) sum += static_cast<double>(fs::file_size(path));
    return sum / 1e6;
  }

  // Every segment is there with its bytes; then it goes.
  void check_and_remove(const fs::path& copy, bool flat) const {
    std::size_t number = 0;
    for (const auto& [name, path] : files()) {
      const fs::path other = flat ? copy / std::to_string(++number) : copy / name;
      if (!fs::exists(other) || sha256_hex(read_file(other)) != sha256_hex(read_file(path)))
        throw Failed("azure: " + other.string() + " is not what was stored");
    }
    fs::remove_all(copy);
  }

 private:
  std::map<std::string, fs::path> files() const {
    std::map<std::string, fs::path> out;
    for (const auto& entry : fs::recursive_directory_iterator(archive() / "shop")) {
      if (entry.is_regular_file()) out[fs::relative(entry.path(), archive()).string()] = entry.path();
    }
    return out;
  }

  void make() const {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    std::mt19937_64 random(7);
    std::string lines;
    int number = 0;
    for (int hour = 0; hour < shape_.hours; ++hour) {
      for (int event = 0; event < shape_.events; ++event) {
        for (int collection = 0; collection < shape_.collections; ++collection, ++number) {
          std::string text;
          while (text.size() < static_cast<std::size_t>(shape_.bytes))
            text += fmt::format("{:016x}", random());
          lines += fmt::format(
              R"({{"_id":{{"_data":"8267{:08}"}},"operationType":"insert","clusterTime":{{"$timestamp":{{"t":{},"i":{}}}}},)"
              R"("ns":{{"db":"shop","coll":"c{:03}"}},"documentKey":{{"_id":{}}},"fullDocument":{{"_id":{},"text":"{}"}}}})"
              "\n",
              number, 1'736'899'200 + hour * 3600 + event, collection + 1, collection, number, number, text);
        }
      }
    }
    write_file(folder_ / "events.jsonl", lines);
    run_to(0, {bench_.program, "init", "--set", "hub.partitions=1", "--set", "archive.memory=1GiB"}, folder_);
    run_to(0, {bench_.program, "publish", "--time-from", "cluster_time", folder_ / "events.jsonl"}, folder_);
    run_to(0, {bench_.program, "archive", "--once", "--close"}, folder_);
    fs::remove(folder_ / "events.jsonl");
    write_file(folder_ / "made", "");
  }

  // A shared access signature of the account to read for an hour.
  std::string sas() const {
    const std::string end = to_rfc3339_seconds(system_clock().now() + hours(5));
    const std::string text = fmt::format("{}\nrl\nb\nco\n\n{}\n\n\n2019-12-12\n", kAccount, end);
    const std::string signature = to_base64(hmac_sha256(*from_base64(kKey), text));
    return "sv=2019-12-12&ss=b&srt=co&sp=rl&se=" + percent_encode(end) + "&sig=" + percent_encode(signature);
  }

  void write_curl_list() const {
    std::string list;
    std::size_t number = 0;
    for (const auto& [name, path] : files()) {
      list += fmt::format("url = \"{}/{}/changestreams/{}?{}\"\noutput = \"{}\"\n", azurite_->endpoint(),
                          container_, percent_encode_path(name), sas(),
                          (folder_ / "curl" / std::to_string(++number)).string());
    }
    write_file(folder_ / "curl.list", list);
  }

  const Bench& bench_;
  Shape shape_;
  fs::path folder_;
  std::string container_ = Azurite::new_container();
  Azurite* azurite_ = nullptr;
};

Sample with_amount(Finished done, double amount) {
  done.sample.amount = amount;
  return done.sample;
}

Work get_work(const Bench& bench, const Shape& shape, const std::string& title) {
  const auto data = std::make_shared<Data>(bench, shape);
  const double megabytes = data->megabytes();
  const auto ours = [data, megabytes] {
    const Finished done = run_to(0,
                                 {data->bench().program, "get", "-d", "ours", "--quiet", "--set",
                                  "store.url=" + Data::url(data->container())},
                                 data->folder());
    data->check_and_remove(data->folder() / "ours", false);
    return with_amount(done, megabytes);
  };
  const auto curl = [data, megabytes] {
    fs::create_directories(data->folder() / "curl");
    const Finished done = run_to(
        0, {"curl", "-s", "-Z", "--parallel-max", "16", "-K", data->folder() / "curl.list"}, data->folder());
    data->check_and_remove(data->folder() / "curl", true);
    return with_amount(done, megabytes);
  };
  const auto rclone = [data, megabytes] {
    const Finished done = run_to(0,
                                 data->rclone({"copy", "az:" + data->container() + "/changestreams", "rclone",
                                               "--include", "/shop/**"}),
                                 data->folder());
    data->check_and_remove(data->folder() / "rclone", false);
    return with_amount(done, megabytes);
  };
  return {"azure-get-" + shape.name,
          "get from Azurite: " + title,
          "MB",
          {{"changevault, proven and synced", ours}, {"curl -Z, 16 at once", curl}, {"rclone copy", rclone}},
          {{GoalKind::kWallRatio, 0.9, 1}, {GoalKind::kWallRatio, 1.4, 2}}};
}

}  // namespace

std::vector<Work> azure_works(const Bench& bench) {
  std::vector<Work> works;
  works.push_back(get_work(bench, kSmall, "1,000 files of 100 KB"));
  works.push_back(get_work(bench, kLarge, "24 files of 10 MB"));
  const auto data = std::make_shared<Data>(bench, kLarge);
  const double megabytes = data->megabytes();
  const auto ours = [data, megabytes] {
    const Finished done = run_to(
        0, {data->bench().program, "copy", "--to", Data::url(Azurite::new_container()), "--output", "json"},
        data->folder());
    if (!json::parse(read_file(done.output)).at("complete").get<bool>())
      throw Failed("azure: not all was copied");
    return with_amount(done, megabytes);
  };
  const auto rclone = [data, megabytes] {
    const Finished done =
        run_to(0, data->rclone({"copy", data->archive(), "az:" + Azurite::new_container()}), data->folder());
    return with_amount(done, megabytes);
  };
  works.push_back({"azure-put",
                   "an archive of 240 MB up to Azurite",
                   "MB",
                   {{"changevault copy, proven", ours}, {"rclone copy", rclone}},
                   {{GoalKind::kWallRatio, 0.8, 1}}});
  return works;
}

}  // namespace changevault::bench
