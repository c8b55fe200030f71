#include "cli/progress.h"

#include <gtest/gtest.h>

#include "base/manual_clock.h"

namespace changevault {
namespace {

struct ProgressTest : ::testing::Test {
  Terminal screen() {
    Terminal out;
    out.err = true;
    out.width = 60;
    return out;
  }
  ManualClock clock{Timestamp{1'736'951'400'000}};
  StringWriter text;
  StringWriter err;
};

TEST_F(ProgressTest, AShortWorkShowsNone) {
  Output out(text, err, screen());
  Progress progress(out, clock);
  progress.show([] { return std::string("x"); });
  EXPECT_EQ(err.text, "");
}

TEST_F(ProgressTest, ALineThatIsRewrittenAndTakenAway) {
  Output out(text, err, screen());
  {
    Progress progress(out, clock);
    clock.advance(seconds(1));
    progress.show([&] { return "at" + progress.remaining(1, 4); });
    EXPECT_EQ(err.text, "\r\x1b[Kat [#####---------------] 25 % · 3 s left");
    progress.show([] { return std::string("too soon"); });
    clock.advance(seconds(1));
    progress.show([] { return std::string(100, 'x'); });
    EXPECT_EQ(err.text.substr(err.text.rfind('\r')),
              "\r\x1b[K" + std::string(29, 'x') + "…" + std::string(29, 'x'));
  }
  EXPECT_TRUE(err.text.ends_with("\r\x1b[K"));
}

TEST_F(ProgressTest, LinesNowAndThenWithoutATerminal) {
  Output out(text, err, {});
  Progress progress(out, clock);
  for (int second = 0; second < 25; ++second) {
    progress.show([&] { return "half" + progress.remaining(1, 2); });
    clock.advance(seconds(1));
  }
  EXPECT_EQ(err.text,
            "2025-01-15T14:30:10Z half · 50 % · 10 s left\n2025-01-15T14:30:20Z half · 50 % · 20 s left\n");
}

TEST_F(ProgressTest, NothingWithQuiet) {
  for (const Terminal& terminal : {screen(), Terminal()}) {
    Output out(text, err, terminal);
    out.set_quiet(true);
    Progress progress(out, clock);
    progress.begin("reading");
    clock.advance(minutes(1));
    progress.show([] { return std::string("x"); });
  }
  EXPECT_EQ(err.text, "");
}

TEST_F(ProgressTest, Rates) {
  Output out(text, err, {});
  const Progress progress(out, clock);
  clock.advance(seconds(2));
  EXPECT_EQ(progress.rate(3000, "event"), "3,000 events, 1,500/s");
  EXPECT_EQ(progress.byte_rate(2 << 20), "2.0 MiB, 1.0 MiB/s");
  EXPECT_EQ(progress.remaining(0, 10), "");
  EXPECT_EQ(progress.remaining(10, 0), "");
}

TEST(Bar, FilledFromTheLeft) {
  EXPECT_EQ(bar(0, 10, 4), "[----]");
  EXPECT_EQ(bar(5, 10, 4), "[##--]");
  EXPECT_EQ(bar(12, 10, 4), "[####]");
  EXPECT_EQ(bar(1, 0, 4), "[----]");
}

}  // namespace
}  // namespace changevault
