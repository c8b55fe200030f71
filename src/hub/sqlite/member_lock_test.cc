#include "hub/sqlite/member_lock.h"

#include <filesystem>
#include <optional>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace changevault::testing {
namespace {

using State = MemberLock::State;

class MemberLockTest : public ::testing::Test {
 protected:
  TempDir folder_;
  std::string hub_ = folder_ / "hub.db";
};

TEST_F(MemberLockTest, AMemberLivesAsLongAsItsLock) {
  MemberLock observer(hub_, true);
  std::optional<MemberLock> member(std::in_place, hub_, true);
  ASSERT_TRUE(member->take(MemberId(5)));
  const MemberLock::File file = member->file();
  EXPECT_EQ(observer.look(file, MemberId(5)), State::kAlive);
  EXPECT_EQ(observer.look(file, MemberId(6)), State::kDead);
  EXPECT_FALSE(observer.take(MemberId(5)));
  {
    const MemberLock passer_by(hub_, true);
  }  // opened and closed by the same process
  EXPECT_EQ(observer.look(file, MemberId(5)), State::kAlive);
  member.reset();
  EXPECT_EQ(observer.look(file, MemberId(5)), State::kDead);
}

TEST_F(MemberLockTest, OfAnotherFileNothingIsKnown) {
  MemberLock member(hub_, true);
  ASSERT_TRUE(member.take(MemberId(5)));
  std::filesystem::remove(hub_ + "-members");
  MemberLock later(hub_, true);
  EXPECT_EQ(later.look(member.file(), MemberId(5)), State::kUnknown);
  EXPECT_EQ(later.look({}, MemberId(5)), State::kUnknown);
}

TEST_F(MemberLockTest, WithoutAFileNothingIsKnownAndNothingFails) {
  MemberLock member(folder_ / "no/such/folder/hub.db", true);
  EXPECT_TRUE(member.take(MemberId(1)));
  EXPECT_EQ(member.file(), MemberLock::File{});
  EXPECT_EQ(MemberLock(hub_, false).look({1, 2}, MemberId(1)), State::kUnknown);
  EXPECT_FALSE(std::filesystem::exists(hub_ + "-members"));
}

}  // namespace
}  // namespace changevault::testing
