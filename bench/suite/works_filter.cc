// Few records out of many: the real program's cat, on one core, beside gunzip and jq.
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "bench/suite/works.h"

namespace changevault::bench {
namespace {

namespace fs = std::filesystem;

// One question, as each of the two is asked.
struct Filter {
  std::string id;
  std::string title;
  std::vector<std::string> flags;
  std::string jq;
};

std::vector<std::string> cat_words(const Filter& filter, const std::string& file) {
  std::vector<std::string> words{"cat"};
  if (file.empty()) {
    words.insert(words.end(), {kDatabase, kCollection});
  } else {
    words.push_back(file);
  }
  words.insert(words.end(), filter.flags.begin(), filter.flags.end());
  words.insert(words.end(), {"--fields", "event_id"});
  return words;
}

Work filter_work(const Bench& bench, const Dataset& dataset, const Filter& filter) {
  const auto ours = [&dataset, filter] {
    Finished done = dataset.verb(cat_words(filter, ""));
    if (read_file(done.output).empty()) throw Failed(filter.id + ": nothing was found");
    done.sample.amount = dataset.text_megabytes();
    return done.sample;
  };
  // One file of them: the peer would take minutes for all. Its answer is that of our program about that file.
  const auto peer = [&bench, &dataset, filter] {
    const std::vector<fs::path> all = dataset.segments();
    double bytes = 0;
    for (const fs::path& file : all) bytes += static_cast<double>(fs::file_size(file));
    const std::string command =
        fmt::format("gunzip -c '{}' | jq -c 'select({}) | {{event_id}}'", all.front().string(), filter.jq);
    Finished done = run_to(0, {"sh", "-c", command}, bench.folder);
    const std::string found = read_file(done.output);
    const Finished same = dataset.verb(cat_words(filter, all.front().filename()));
    if (found != read_file(same.output)) throw Failed(filter.id + ": jq and changevault find other records");
    done.sample.amount = dataset.text_megabytes() * static_cast<double>(fs::file_size(all.front())) / bytes;
    return done.sample;
  };
  // By CPU time: gunzip and jq run on two cores, we on one.
  return {filter.id,
          filter.title,
          "MB of text",
          {{"changevault", ours}, {"gunzip -c | jq", peer, 1}},
          {{GoalKind::kCpuRate, 500}, {GoalKind::kCpuRatio, 15, 1}}};
}

}  // namespace

std::vector<Work> filter_works(const Bench& bench, const Dataset& dataset) {
  const std::string id = "65a500000001000000000002";
  const std::vector<Filter> filters{
      {"filter-op", "records of one operation type", {"--op", "delete"}, R"(.operation_type=="delete")"},
      {"filter-key",
       "one document's records",
       {"--key", R"({"_id":{"$oid":")" + id + R"("}})"},
       R"(.document_key._id["$oid"]==")" + id + "\""},
      {"filter-where",
       "records by a number in the document",
       {"--where", "full_document.qty=184"},
       ".full_document.qty==184"},
      {"filter-text",
       "records by a text in the document",
       {"--where", "full_document.sku=SKU-3c6ef362"},
       R"(.full_document.sku=="SKU-3c6ef362")"},
  };
  std::vector<Work> out;
  for (const Filter& filter : filters) out.push_back(filter_work(bench, dataset, filter));
  return out;
}

}  // namespace changevault::bench
