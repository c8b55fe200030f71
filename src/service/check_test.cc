#include "service/check.h"

#include <algorithm>

#include "hub/memory/memory_hub.h"
#include "store/file/file_store.h"
#include "tests/support/archive_fixture.h"
#include "tests/support/temp_dir.h"

namespace changevault {
namespace {

using testing::at;

// A hub in memory, a store on disk, no warehouse.
class CheckTest : public ::testing::Test {
 protected:
  CheckTest() {
    configuration_.hub.url = "memory:hub";
    configuration_.hub.group = "pipeline";
    configuration_.store.url = "file:" + folder_.path().string();
    configuration_.store.root = "changestreams";
    configuration_.warehouse.url = "nowhere:x";
    drivers_.hubs["memory"] = [this](const OpenRequest&) -> Result<std::unique_ptr<Hub>> {
      return std::unique_ptr<Hub>(std::make_unique<MemoryHub>(hub_));  // a further handle of the same hub
    };
    drivers_.stores["file"] = [](const OpenRequest& request) { return FileStore::open(request.place, true); };
  }

  void append(int events) {
    for (int n = 0; n < events; ++n, ++number_)
      hub_.append(PartitionId(0), testing::event("shop", "orders", number_), at(1, 0, number_), false);
  }
  void archive() {
    auto store = testing::value(FileStore::open(folder_.path().string(), true));
    const Archiver::Parts parts{hub_, *store, layout_, clock_, random_};
    ArchiverOptions options;
    options.group = "pipeline";
    options.owner = "test:1";
    ASSERT_OK(init_archive(parts, options));
    ASSERT_OK(Archiver(parts, options).run(ArchiveMode::kOnce, {}));
  }
  CheckFinding finding(const std::string& part) {
    Parts parts(configuration_, drivers_, clock_, random_);
    const std::vector<CheckFinding> findings = check_parts(parts);
    const auto found = std::find_if(findings.begin(), findings.end(),
                                    [&](const CheckFinding& one) { return one.part == part; });
    return found == findings.end() ? CheckFinding{} : *found;
  }

  testing::TempDir folder_;
  ManualClock clock_{at(2, 0)};
  testing::CountingRandom random_;
  MemoryHub hub_{1, clock_};
  KeyLayout layout_{"changestreams"};
  Configuration configuration_;
  Drivers drivers_;
  int number_ = 0;
};

TEST_F(CheckTest, RetentionIsHeldAgainstWhatIsArchived) {
  append(10);
  archive();
  EXPECT_FALSE(finding("retention").error);
  append(30);
  EXPECT_FALSE(finding("retention").error) << "a hub that never dropped anything may hold any number";
  hub_.trim(PartitionId(0), Sequence(8));
  const CheckFinding close = finding("retention");
  ASSERT_TRUE(close.error);
  EXPECT_TRUE(close.warning);
  EXPECT_NE(close.error->message.find("30 events of partition 0 wait, and only 2"), std::string::npos)
      << close.error->message;
  hub_.trim(PartitionId(0), Sequence(15));
  const CheckFinding lost = finding("retention");
  ASSERT_TRUE(lost.error);
  EXPECT_FALSE(lost.warning);
  EXPECT_NE(lost.error->message.find("dropped 5 events"), std::string::npos) << lost.error->message;
}

TEST_F(CheckTest, AnotherHubInItsPlaceIsNamed) {
  append(1);
  archive();
  hub_.replace("another");
  EXPECT_EQ(finding("retention").error->code, ErrorCode::kValidation);
}

TEST_F(CheckTest, OneTroubleIsSaidOnce) {
  EXPECT_EQ(finding("archive").error->code, ErrorCode::kIndeterminate);
  EXPECT_EQ(finding("retention").part, "") << "the archive that is not there was named before";
  EXPECT_FALSE(finding("store").error);
  EXPECT_EQ(finding("warehouse").error->code, ErrorCode::kUsage);
}

}  // namespace
}  // namespace changevault
