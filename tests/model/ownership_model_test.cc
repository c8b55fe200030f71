#include <gtest/gtest.h>

#include "tests/model/ownership_search.h"

namespace changevault::model {
namespace {

std::string in_words(const std::vector<Step>& schedule) {
  std::string out;
  for (const Step& step : schedule) out += "  " + to_string(step) + "\n";
  return out;
}

void expect_sound(const Limits& limits) {
  const SearchResult found = Search(limits, Broken::kNone).run();
  EXPECT_EQ(found.violation, "") << in_words(found.schedule);
  EXPECT_GT(found.states, 1'000);
  EXPECT_GT(found.all_listed, 50) << "no schedule archives everything";
  fmt::print("  {} states, {} transitions, {} with every event archived\n", found.states, found.transitions,
             found.all_listed);
}

// A search under a sanitizer takes a hundred times as long.
#ifdef __SANITIZE_ADDRESS__
constexpr int kSlots = 3;
#else
constexpr int kSlots = 5;
#endif

// Three owners, a crash, a lost answer, somebody who removes leftovers.
TEST(OwnershipModel, NoScheduleLosesOrDoublesAnEvent) {
  expect_sound({.events = 2, .slots = kSlots, .crashes = 1, .lost_answers = 1});
}

// DESIGN's rule alone, without the clause that the program adds to it.
TEST(OwnershipModel, TheRuleForLeftoversIsEnoughByItself) {
  Limits limits{.events = 2, .slots = kSlots, .crashes = 0, .lost_answers = 0};
  limits.keep_what_is_not_archived = false;
  expect_sound(limits);
}

// Each rule is needed: without it there is a schedule that does harm.
class BrokenRule : public ::testing::TestWithParam<std::pair<Broken, const char*>> {};

TEST_P(BrokenRule, IsFound) {
  const auto [broken, harm] = GetParam();
  const SearchResult found = Search({.events = 2, .slots = 5, .crashes = 1, .lost_answers = 1}, broken).run();
  EXPECT_NE(found.violation.find(harm), std::string::npos) << found.violation << "\n"
                                                           << in_words(found.schedule);
  fmt::print("  {}, after\n{}", found.violation, in_words(found.schedule));
}

INSTANTIATE_TEST_SUITE_P(OwnershipModel, BrokenRule,
                         ::testing::Values(std::pair(Broken::kAdoptObjects, "an object of another claim"),
                                           std::pair(Broken::kDeleteOwned, "an object that is gone"),
                                           std::pair(Broken::kDeleteBeyondEnd, "an object that is gone"),
                                           std::pair(Broken::kOverwriteSlots, "fenced"),
                                           std::pair(Broken::kCommitMovesOn, "fenced"),
                                           std::pair(Broken::kResumeFromMemory, "is the next")));

}  // namespace
}  // namespace changevault::model
