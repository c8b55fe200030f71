#include "recovery/gap_state.h"

#include <gtest/gtest.h>

namespace changevault {
namespace {

struct Case {
  const char* what;
  CellFacts facts;
  GapState expected;
};

CellFacts facts(CellNumbers numbers, bool sealed = true) {
  CellFacts made;
  made.numbers = numbers;
  made.sealed = sealed;
  return made;
}

CellFacts with(CellFacts made, bool CellFacts::* flag, bool value = true) {
  made.*flag = value;
  return made;
}

// archive, warehouse, distinct, missing, extra, duplicate, repeats
const Case kCases[] = {
    {"equal", facts({10, 10, 10, 0, 0, 0, 0}), GapState::kOk},
    {"equal, not sealed", facts({10, 10, 10, 0, 0, 0, 0}, false), GapState::kUnsealed},
    {"empty, sealed", facts({}), GapState::kQuiet},
    {"empty, not sealed", facts({}, false), GapState::kUnsealed},
    {"none of ten", facts({10, 0, 0, 10, 0, 0, 0}), GapState::kMissing},
    {"none of ten, not sealed", facts({10, 0, 0, 10, 0, 0, 0}, false), GapState::kMissing},
    {"none of nine, one repeats another hour", facts({10, 0, 0, 9, 0, 0, 1}), GapState::kMissing},
    {"some of ten", facts({10, 7, 7, 3, 0, 0, 0}), GapState::kPartial},
    {"repeats are no gap", facts({10, 8, 8, 0, 0, 0, 2}), GapState::kOk},
    {"extra, sealed", facts({10, 11, 11, 0, 1, 0, 0}), GapState::kExtra},
    {"extra, not sealed", facts({10, 11, 11, 0, 1, 0, 0}, false), GapState::kUnsealed},
    {"rows where the archive has none", facts({0, 3, 3, 0, 3, 0, 0}), GapState::kExtra},
    {"such rows that the archive has in another hour", facts({0, 3, 3, 0, 0, 0, 0}), GapState::kOk},
    {"duplicate", facts({10, 12, 10, 0, 0, 2, 0}), GapState::kDuplicate},
    {"duplicate before extra", facts({10, 13, 11, 0, 1, 2, 0}), GapState::kDuplicate},
    {"duplicate before missing", facts({10, 12, 8, 2, 0, 4, 0}), GapState::kDuplicate},
    {"extra before missing", facts({10, 9, 9, 2, 1, 0, 0}), GapState::kExtra},
    {"pending", with(facts({10, 0, 0, 10, 0, 0, 0}, false), &CellFacts::all_pending), GapState::kPending},
    {"pending, sealed", with(facts({10, 4, 4, 6, 0, 0, 0}), &CellFacts::all_pending), GapState::kPending},
    {"lost before pending",
     with(with(facts({10, 4, 4, 6, 0, 0, 0}), &CellFacts::all_pending), &CellFacts::lost), GapState::kLost},
    {"lost, nothing there", with(facts({}), &CellFacts::lost), GapState::kLost},
    {"lost, the rest is there", with(facts({10, 10, 10, 0, 0, 0, 0}), &CellFacts::lost), GapState::kLost},
    {"missing before lost", with(facts({10, 0, 0, 10, 0, 0, 0}), &CellFacts::lost), GapState::kMissing},
    {"not covered before all", with(facts({0, 5, 5, 0, 5, 0, 0}), &CellFacts::covered, false),
     GapState::kNotCovered},
    {"but one event is one row", with(facts({0, 5, 4, 0, 5, 1, 0}), &CellFacts::covered, false),
     GapState::kDuplicate},
    {"extra behind the archive",
     with(with(facts({0, 5, 5, 0, 5, 0, 0}), &CellFacts::sealed, false), &CellFacts::beyond),
     GapState::kExtra},
    {"acknowledged gap", with(facts({10, 7, 7, 3, 0, 0, 0}), &CellFacts::acknowledged),
     GapState::kAcknowledged},
    {"acknowledged duplicate", with(facts({10, 12, 10, 0, 0, 2, 0}), &CellFacts::acknowledged),
     GapState::kAcknowledged},
    {"acknowledged, repaired since", with(facts({10, 10, 10, 0, 0, 0, 0}), &CellFacts::acknowledged),
     GapState::kOk},
};

TEST(GapState, FirstThatApplies) {
  for (const Case& c : kCases) EXPECT_STREQ(name(classify(c.facts)), name(c.expected)) << c.what;
}

TEST(GapState, WhatIsAGap) {
  std::string gaps;
  std::string recoverable;
  for (const GapState state : kGapStates) {
    if (is_gap(state)) gaps += std::string(name(state)) + " ";
    if (is_recoverable(state)) recoverable += std::string(name(state)) + " ";
  }
  EXPECT_EQ(gaps, "DUPLICATE EXTRA MISSING PARTIAL LOST ");
  EXPECT_EQ(recoverable, "MISSING PARTIAL ");
}

TEST(ArchiveSpan, EndsAreExclusiveAndUnknownIsNothing) {
  const ArchiveSpan span{Hour{10}, Hour{20}, Hour{10}, Hour{15}};
  EXPECT_FALSE(span.covers(Hour{9}));
  EXPECT_TRUE(span.covers(Hour{10}));
  EXPECT_TRUE(span.sealed(Hour{14}));
  EXPECT_FALSE(span.sealed(Hour{15}));
  EXPECT_FALSE(ArchiveSpan{}.covers(Hour{10}));
  EXPECT_FALSE(ArchiveSpan{}.sealed(Hour{10}));
}

}  // namespace
}  // namespace changevault
