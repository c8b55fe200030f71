#include "service/suggest.h"

#include <gtest/gtest.h>

namespace changevault {
namespace {

TEST(EditDistance, Table) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("gaps", "gasp"), 1U);  // a swap
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(Nearest, FindsWhatWasMeantAndNothingElse) {
  const std::vector<std::string> verbs{"archive", "audit", "load", "ls"};
  EXPECT_EQ(nearest("archiv", verbs), "archive");
  EXPECT_EQ(nearest("laod", verbs), "load");
  EXPECT_EQ(nearest("sl", verbs), "ls");
  EXPECT_EQ(nearest("publish", verbs), "");
  EXPECT_EQ(nearest("", verbs), "");
  EXPECT_EQ(nearest(std::string(1000, 'a'), verbs), "");
}

}  // namespace
}  // namespace changevault
