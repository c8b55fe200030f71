// Until somebody agreed, no call that could change store or warehouse leaves the program.
#include <algorithm>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/program.h"
#include "recovery/recovery_fixture.h"
#include "store/faulty_store.h"
#include "store/read_only_store.h"
#include "tests/support/temp_dir.h"
#include "warehouse/faulty_warehouse.h"
#include "warehouse/read_only_warehouse.h"

namespace changevault {
namespace {

using testing::event_id;
using testing::kFirstHour;
using testing::kProducts;
using testing::TestArchive;
using testing::value;

bool is_write(WarehouseOperation operation) {
  using Op = WarehouseOperation;
  for (const Op write :
       {Op::kPrepare, Op::kLoad, Op::kStage, Op::kMerge, Op::kRemove, Op::kDropStage, Op::kSql}) {
    if (operation == write) return true;
  }
  return false;
}

class DryRun : public ::testing::Test {
 protected:
  DryRun() {
    archive_.load(archive_.add(kProducts, kFirstHour, {{1}, {2}, {3}}));
    archive_.add(kProducts, kFirstHour, {{4}, {5}}, hours(48), 100);
    archive_.change_rows([](auto& rows) { rows.push_back(rows[0]); });
    drivers_.stores["memory"] = [this](const OpenRequest&) -> Result<std::unique_ptr<ObjectStore>> {
      return std::unique_ptr<ObjectStore>(std::make_unique<FaultyStore>(
          archive_.store(), [this](StoreOperation operation, const std::string& key) {
            const bool write = operation == StoreOperation::kPut || operation == StoreOperation::kRemove;
            if (write) writes_.push_back(std::string(name(operation)) + " " + key);
            ++calls_;
            return Fault::kNone;
          }));
    };
    drivers_.warehouses["memory"] = [this](const OpenRequest&) -> Result<std::unique_ptr<Warehouse>> {
      return std::unique_ptr<Warehouse>(std::make_unique<FaultyWarehouse>(
          archive_.warehouse(), [this](WarehouseOperation operation, const std::string&) {
            if (is_write(operation)) writes_.push_back(name(operation));
            ++calls_;
            return Fault::kNone;
          }));
    };
    std::ofstream(folder_ / "changevault.toml")
        << "[store]\nurl = \"memory:x\"\n[warehouse]\nurl = \"memory:y\"\n";
  }

  int run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "recover");
    writes_.clear();
    calls_ = 0;
    out_.text.clear();
    err_.text.clear();
    const Outside outside{drivers_,
                          archive_.clock(),
                          archive_.random(),
                          out_,
                          err_,
                          terminal_,
                          identity_,
                          {},
                          folder_.path(),
                          {},
                          [] { return std::optional<std::string>(); }};
    return run_program(arguments, outside);
  }

  TestArchive archive_;
  testing::TempDir folder_;
  Drivers drivers_;
  Identity identity_;
  Terminal terminal_;
  StringWriter out_;
  StringWriter err_;
  std::vector<std::string> writes_;
  int calls_ = 0;
};

TEST_F(DryRun, PlansWriteNothing) {
  const std::string file = folder_ / "records.jsonl.gz";
  std::ofstream(file, std::ios::binary) << value(archive_.store().get(archive_.listed()[1]->facts.key));
  const std::vector<std::vector<std::string>> works{
      {"--remove-duplicates"}, {"inventory_db", "products", "2024/12/29", "0"}, {"--from-files", file}};
  for (std::vector<std::string> work : works) {
    SCOPED_TRACE(work[0]);
    EXPECT_EQ(run(work), 2) << err_.text;
    EXPECT_GT(calls_, 0);
    EXPECT_EQ(writes_, std::vector<std::string>()) << "without consent";
    work.push_back("--plan");
    EXPECT_EQ(run(work), 0) << err_.text;
    EXPECT_EQ(writes_, std::vector<std::string>());
    work.push_back("--yes");
    EXPECT_EQ(run(work), 0) << err_.text;
    EXPECT_EQ(writes_, std::vector<std::string>()) << "a plan is a plan, whatever else is said";
    work.erase(std::find(work.begin(), work.end(), "--plan"));
    EXPECT_EQ(run(work), 0) << err_.text;
    EXPECT_FALSE(writes_.empty()) << "this test sees writes";
  }
}

TEST(ReadOnly, EveryCallThatCouldWriteIsRefusedUntilItIsAllowed) {
  TestArchive archive;
  const ListedSegment& segment = archive.add(kProducts, kFirstHour, {{1}, {2}});
  std::atomic<bool> writable = false;
  std::vector<std::string> reached;
  ReadOnlyWarehouse warehouse(
      std::make_unique<FaultyWarehouse>(archive.warehouse(),
                                        [&](WarehouseOperation operation, const std::string&) {
                                          reached.emplace_back(name(operation));
                                          return Fault::kNone;
                                        }),
      writable);
  const SegmentRef reference = reference_to(segment);
  const std::span<const SegmentRef> segments(&reference, 1);
  const std::vector<std::function<ErrorCode()>> writes{
      [&] { return warehouse.prepare().error().code; },
      [&] { return warehouse.load(segments, archive.feed()).error().code; },
      [&] { return warehouse.stage("r", segments, archive.feed(), StageContent::kFacts).error().code; },
      [&] { return warehouse.merge("r", segments, archive.feed()).error().code; },
      [&] { return warehouse.drop_stage("r").error().code; },
      [&] { return warehouse.stage_duplicates("r", {}, 1).error().code; },
      [&] { return warehouse.remove_duplicates("r", 0).error().code; },
      [&] { return warehouse.sql("SELECT 1").error().code; }};
  for (const auto& write : writes) EXPECT_EQ(write(), ErrorCode::kInternal);
  EXPECT_EQ(reached, std::vector<std::string>());
  EXPECT_OK(warehouse.cells({}));
  writable = true;
  EXPECT_OK(warehouse.stage("r", segments, archive.feed(), StageContent::kFacts));

  writable = false;
  ReadOnlyStore store(std::make_unique<FaultyStore>(archive.store(),
                                                    [&](StoreOperation operation, const std::string&) {
                                                      reached.emplace_back(name(operation));
                                                      return Fault::kNone;
                                                    }),
                      writable);
  reached.clear();
  EXPECT_ERROR(store.put_if_absent("k", "v"), ErrorCode::kInternal);
  EXPECT_ERROR(store.remove(segment.facts.key), ErrorCode::kInternal);
  EXPECT_EQ(reached, std::vector<std::string>());
  EXPECT_OK(store.get(segment.facts.key));
  writable = true;
  EXPECT_OK(store.put_if_absent("k", "v"));
}

}  // namespace
}  // namespace changevault
