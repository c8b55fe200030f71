#include "store/store_with_files.h"

#include <fstream>

#include <gtest/gtest.h>

#include "base/manual_clock.h"
#include "store/memory/memory_store.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace changevault {
namespace {

using testing::value;

class StoreWithFilesTest : public ::testing::Test {
 protected:
  StoreWithFilesTest() { write("0123456789"); }
  void write(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }

  testing::TempDir folder_;
  ManualClock clock_{Timestamp{1'000}};
  MemoryStore inner_{clock_};
  StoreWithFiles store_{inner_};
  std::string path_ = folder_ / "a file.jsonl";
  std::string key_ = local_file_key(path_);
};

TEST_F(StoreWithFilesTest, KeysOfFilesAreNoObjects) {
  EXPECT_EQ(local_path_of(key_), path_);
  EXPECT_EQ(local_path_of("file:/a"), std::nullopt);
  EXPECT_EQ(local_path_of("recovery/a"), std::nullopt);
  EXPECT_EQ(local_path_of(local_file_key("relative")),
            (std::filesystem::current_path() / "relative").string());
}

TEST_F(StoreWithFilesTest, AFileIsReadByRanges) {
  EXPECT_EQ(value(store_.get(key_)), "0123456789");
  EXPECT_EQ(value(store_.get(key_, ByteRange{4, 3})), "456");
  EXPECT_EQ(value(store_.get(key_, ByteRange{8, 30})), "89");
  EXPECT_EQ(value(store_.get(key_, ByteRange{30, 3})), "");
  const ObjectInfo info = value(store_.head(key_));
  EXPECT_EQ(info.bytes, 10);
  EXPECT_EQ(value(store_.get(key_, std::nullopt, info.etag)), "0123456789");
  write("01234567890");
  EXPECT_ERROR(store_.get(key_, std::nullopt, info.etag), ErrorCode::kCorrupt);
}

TEST_F(StoreWithFilesTest, FilesAreOnlyRead) {
  EXPECT_ERROR(store_.put_if_absent(key_, "x"), ErrorCode::kUsage);
  EXPECT_ERROR(store_.remove(key_), ErrorCode::kUsage);
  EXPECT_EQ(value(store_.get(key_)), "0123456789");
  EXPECT_ERROR(store_.get(local_file_key(folder_ / "nothing")), ErrorCode::kNotFound);
  EXPECT_ERROR(store_.get(local_file_key(folder_.path())), ErrorCode::kUsage);
}

TEST_F(StoreWithFilesTest, EverythingElseIsTheStores) {
  EXPECT_EQ(value(store_.put_if_absent("recovery/a", "x")), PutOutcome::kCreated);
  EXPECT_EQ(value(inner_.get("recovery/a")), "x");
  EXPECT_EQ(value(store_.list("recovery/")).objects.size(), 1U);
  EXPECT_OK(store_.remove("recovery/a"));
  EXPECT_ERROR(inner_.get("recovery/a"), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace changevault
