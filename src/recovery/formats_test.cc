// The released forms of plans and journals: what was written once is read for ever.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/hash.h"
#include "codec/json.h"
#include "codec/sealed_json.h"
#include "recovery/journal.h"
#include "recovery/plan.h"
#include "recovery/removal_plan.h"
#include "tests/support/expect.h"

namespace changevault {
namespace {

using testing::value;

std::string sample(const std::string& file) {
  const auto path = std::filesystem::path(__FILE__).parent_path() / "../../docs/formats/samples" / file;
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

Timestamp at(const char* text) {
  return *parse_rfc3339(text);
}

const Actor kActor{"ada", "ops-1", "changevault 0.1.0"};

RecoveryPlan sample_plan() {
  RecoveryPlan plan;
  plan.id = "20250116t081500z_1a2b3c4d";
  plan.scope.database = "inventory_db";
  plan.scope.collection = "products";
  plan.scope.time = {at("2025-01-15T14:00:00Z"), at("2025-01-15T15:00:00Z")};
  plan.scope.operations = {"delete", "insert"};
  PlannedSegment segment;
  segment.key =
      "changestreams/inventory_db/products/2025/01/15/"
      "14-batch-p003-00000000000000123456-00000000000000125999-c000000000042.jsonl.gz";
  segment.sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
  segment.ns = {"inventory_db", "products"};
  segment.hour = hour_of(at("2025-01-15T14:00:00Z"));
  segment.partition = PartitionId(3);
  segment.slot = Slot(43);
  segment.records = 2544;
  segment.bytes = 412'007;
  plan.segments = {segment};
  plan.expected = {1900,
                   0x0123456789abcdefU,
                   {{"delete", 100}, {"insert", 1800}},
                   at("2025-01-15T14:00:00.042Z"),
                   at("2025-01-15T14:59:59.871Z")};
  plan.distinct = 1899;
  plan.already_present = 12;
  plan.created = at("2025-01-16T08:15:00.250Z");
  plan.actor = kActor;
  return plan;
}

std::vector<JournalStep> sample_steps() {
  const RecoveryPlan plan = sample_plan();
  return {StartedStep{plan.hash(), kActor, {}},
          StagedStep{plan.expected},
          ValidatedStep{1900, 1899},
          MergedStep{1887, 12},
          CheckedStep{0, 0},
          DoneStep{kActor, plan.hash(), to_string(plan.scope), at("2025-01-16T08:15:01Z"), 1, 1900, 1900,
                   1887, 12},
          FailedStep{kActor, to_string(plan.scope), "stage", "validation", "a segment is damaged", false},
          WaitingStep{kActor, 1900},
          StartedStep{plan.hash(), kActor, {4, 7, 1}}};
}

TEST(Formats, PlanV1) {
  const std::string bytes = sample("plan-v1.json");
  EXPECT_EQ(value(decode_plan(bytes, "plan-v1.json")), sample_plan());
  EXPECT_EQ(encode_plan(sample_plan()), bytes);
}

// The second version is the first with conditions; a plan without any is of the first.
TEST(Formats, PlanV2) {
  const std::string bytes = sample("plan-v2.json");
  RecoveryPlan plan = sample_plan();
  plan.scope.where = {{"full_document.price", "5.0"},
                      {"document_key._id", R"({"$oid":"65a5f0c2e4b0a1b2c3d4e5f6"})"}};
  EXPECT_EQ(value(decode_plan(bytes, "plan-v2.json")), plan);
  EXPECT_EQ(encode_plan(plan), bytes);
}

TEST(Formats, APlanOfTheSecondVersionHasConditionsThatMeanSomething) {
  const Json good = value(open_sealed_json(sample("plan-v2.json"), "plan"));
  const std::vector<Json> bad{Json::array(), Json("x"),
                              Json::array({{{"field", "no_field"}, {"value", "1"}}}),
                              Json::array({{{"field", "full_document.a"}}}),
                              Json::array({{{"field", "full_document.a"}, {"value", "not JSON"}}})};
  for (const Json& where : bad) {
    Json json = good;
    json["scope"]["where"] = where;
    const auto plan = decode_plan(seal_json(json), "plan");
    EXPECT_ERROR(plan, ErrorCode::kCorrupt);
    // Refused for that, and not for its hash.
    EXPECT_EQ(plan.error().message.find("hash"), std::string::npos) << plan.error().message;
  }
}

RecoveryPlan sample_file_plan() {
  RecoveryPlan plan = sample_plan();
  plan.scope = {};
  PlannedSegment& local = plan.segments[0];
  local.key = "file:///home/ada/products-fixed.jsonl.gz";
  local.ns = {};
  local.partition = {};
  local.slot = {};
  PlannedSegment stored = local;
  stored.key = "recovery/2025-01-15/products.jsonl";
  plan.segments.push_back(stored);
  plan.cells = {{stored.hour, {"inventory_db", "products"}, 1900, 1899, 12, 40}};
  plan.files = {1880, 4, 15, 1};
  return plan;
}

RemovalPlan sample_removal() {
  RemovalPlan plan;
  plan.id = "20250116t081500z_1a2b3c4d";
  plan.scope.database = "inventory_db";
  plan.cells = {{std::nullopt, {"inventory_db", "orders"}, 1, 2, 0, 0},
                {hour_of(at("2025-01-15T14:00:00Z")), {"inventory_db", "products"}, 700, 1400, 2, 5}};
  plan.sum = {701, 1402, 0x0123456789abcdefU};
  plan.created = at("2025-01-16T08:15:00.250Z");
  plan.actor = kActor;
  return plan;
}

TEST(Formats, PlanV2OfFiles) {
  const std::string bytes = sample("plan-v2-files.json");
  EXPECT_EQ(value(decode_plan(bytes, "plan-v2-files.json")), sample_file_plan());
  EXPECT_EQ(encode_plan(sample_file_plan()), bytes);
}

TEST(Formats, RemovalPlanV1) {
  const std::string bytes = sample("removal-plan-v1.json");
  EXPECT_EQ(value(decode_removal_plan(bytes, "removal-plan-v1.json")), sample_removal());
  EXPECT_EQ(encode_plan(sample_removal()), bytes);
  EXPECT_TRUE(std::holds_alternative<RemovalPlan>(value(decode_any_plan(bytes, "x"))));
  EXPECT_TRUE(
      std::holds_alternative<RecoveryPlan>(value(decode_any_plan(sample("plan-v2-files.json"), "x"))));
  EXPECT_ERROR(decode_plan(bytes, "x"), ErrorCode::kCorrupt);
  EXPECT_ERROR(decode_removal_plan(sample("plan-v1.json"), "x"), ErrorCode::kCorrupt);
}

// One slot of each kind, a line each.
void expect_journal(const std::string& file, const std::vector<JournalStep>& steps) {
  const std::string text = sample(file);
  std::string previous = kNoPrevious;
  std::size_t start = 0;
  std::string nonce(32, '0');
  for (const JournalStep& step : steps) {
    const std::size_t end = text.find('\n', start);
    ASSERT_NE(end, std::string::npos);
    const std::string bytes = text.substr(start, end + 1 - start);
    const JournalEntry expected{at("2025-01-16T08:15:02Z"), nonce, previous, step};
    EXPECT_EQ(value(decode_journal_entry(bytes, file)), expected);
    EXPECT_EQ(encode_journal_entry(expected, "20250116t081500z_1a2b3c4d"), bytes);
    previous = sha256_hex(bytes);
    ++nonce[31];
    start = end + 1;
  }
  EXPECT_EQ(start, text.size());
}

TEST(Formats, JournalV1) {
  expect_journal("journal-v1.json", sample_steps());
}

TEST(Formats, JournalV2) {
  const RemovalPlan plan = sample_removal();
  expect_journal("journal-v2.json",
                 {RemovedStep{701}, DoneStep{kActor, plan.hash(), to_string(plan.scope),
                                             at("2025-01-16T08:15:01Z"), 0, 701, 701, 0, 701, 701}});
}

TEST(Formats, CountsBeyond64BitsAreRefused) {
  const JournalEntry entry{{}, "n", kNoPrevious, StagedStep{sample_plan().expected}};
  Json json = value(open_sealed_json(encode_journal_entry(entry, "r"), "slot"));
  EXPECT_OK(decode_journal_entry(seal_json(json), "slot"));
  json["scan"]["operations"]["insert"] = UINT64_MAX;
  EXPECT_ERROR(decode_journal_entry(seal_json(json), "slot"), ErrorCode::kCorrupt);
}

TEST(Formats, AJournalOfANewerVersionSaysSo) {
  JournalEntry entry{{}, "n", kNoPrevious, MergedStep{1, 2}};
  Json json = value(open_sealed_json(encode_journal_entry(entry, "r"), "slot"));
  json.erase("self");
  json["version"] = 3;
  EXPECT_ERROR(decode_journal_entry(seal_json(json), "slot"), ErrorCode::kUsage);
  json["version"] = 1;
  json["kind"] = "dreamt";
  EXPECT_ERROR(decode_journal_entry(seal_json(json), "slot"), ErrorCode::kCorrupt);
  json["kind"] = "merged";
  json["inserted"] = -1;
  EXPECT_ERROR(decode_journal_entry(seal_json(json), "slot"), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace changevault
