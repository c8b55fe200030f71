#include <filesystem>
#include <map>
#include <set>

#include "cli/text.h"
#include "cli/verbs.h"
#include "codec/json.h"
#include "service/beside_key.h"
#include "service/put_records.h"

namespace changevault {
namespace {

constexpr std::size_t kCollectionsNamed = 5;

class PutVerb final : public Verb {
 public:
  std::string name() const override { return "put"; }
  std::string summary() const override { return "a file of records, worked on by hand, into the store"; }
  std::string usage() const override { return "FILE [KEY]"; }
  std::string details() const override {
    return "JSON lines of whole records, as export and cat write them, plain or gzip. Every line is proven "
           "before anything\n"
           "is uploaded; the object is created, never overwritten, and read back. It stands beside the "
           "archive, never in it:\n"
           "as recovery/FILE unless a KEY is given (one that ends in '/' is a folder). Run again, equal "
           "bytes are done.\n"
           "Then: changevault recover --from-files KEY";
  }
  std::string examples() const override {
    return "changevault put products-fixed.jsonl\n"
           "changevault put products-fixed.jsonl.gz recovery/2025-01-15/products.jsonl.gz";
  }
  void add_options(Options& options) override {
    options.add_position("FILE", file_);
    options.add_position("KEY", key_);
  }

  Result<int> run(Context& context) override {
    if (file_.empty())
      return Error(ErrorCode::kUsage, "no file is named", "", "write: changevault put FILE [KEY]");
    CV_ASSIGN(const std::string key, key_of(context.parts.layout()));
    CV_ASSIGN(ObjectStore* const store, context.parts.store());
    Result<PutReport> put = put_records(*store, file_, key, context.configuration.source.id,
                                        context.parts.random(), context.stop);
    if (!put) return as_told(std::move(put).error());
    if (context.out.json_wanted()) {
      context.out.print_json(to_json(*put));
    } else {
      print(context.out, *put);
    }
    return kExitDone;
  }

 private:
  Result<std::string> key_of(const KeyLayout& layout) const {
    if (key_.empty()) return key_for_file(layout, file_);
    std::string key = key_.ends_with('/') ? key_ + std::filesystem::path(file_).filename().string() : key_;
    CV_TRY(check_key_beside(layout, key));
    return key;
  }

  // A file that is not there, or a name that is taken, is what was asked for wrongly.
  static Error as_told(Error error) {
    if (error.code == ErrorCode::kNotFound || error.code == ErrorCode::kAlreadyExists)
      error.code = ErrorCode::kUsage;
    return error;
  }

  static Json to_json(const PutReport& put) {
    const RecordFile& file = put.file;
    std::map<Namespace, std::int64_t> collections;
    for (const auto& [cell, records] : file.cells) collections[cell.second] += records;
    Json listed = Json::array();
    for (const auto& [ns, records] : collections)
      listed.push_back({{"database", ns.database}, {"collection", ns.collection}, {"records", records}});
    return {{"key", put.key},
            {"already_there", put.stood_already},
            {"records", file.records},
            {"bytes", file.bytes},
            {"sha256", file.sha256},
            {"gzip_members", file.gzip_members},
            {"from", to_rfc3339(*file.scan.min_time)},
            {"to", to_rfc3339(*file.scan.max_time)},
            {"operations", Json(file.scan.operations)},
            {"collections", std::move(listed)}};
  }

  static void print(Output& out, const PutReport& put) {
    const RecordFile& file = put.file;
    out.print((put.stood_already ? "there already, equal: " : "in the store: ") + printable(put.key));
    std::string operations;
    for (const auto& [operation, count] : file.scan.operations)
      operations += (operations.empty() ? "" : ", ") + printable(operation) + " " + with_thousands(count);
    out.print("  records      " + with_thousands(file.records) + " (" + operations + ")");
    out.print("  enqueued     " + human_time(*file.scan.min_time) + " to " + human_time(*file.scan.max_time) +
              " UTC");
    std::set<Namespace> names;
    for (const auto& [cell, records] : file.cells) names.insert(cell.second);
    std::string named;
    std::size_t count = 0;
    for (const Namespace& ns : names) {
      named += count == 0 ? "" : ", ";
      named += count < kCollectionsNamed ? printable(to_string(ns)) : "…";
      if (count++ == kCollectionsNamed) break;
    }
    out.print("  collections  " + named);
    out.print("  bytes        " + human_bytes(file.bytes) + (file.gzip_members == 0 ? ", plain" : ", gzip") +
              ", sha256 " + file.sha256);
    out.print("put them into the warehouse with: changevault recover --from-files " + printable(put.key));
  }

  std::string file_;
  std::string key_;
};

}  // namespace

std::unique_ptr<Verb> make_put_verb() {
  return std::make_unique<PutVerb>();
}

}  // namespace changevault
