#include "tests/cookbook/page.h"

#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/cookbook/masked.h"

namespace changevault::testing {
namespace {

constexpr const char* kPage =
    "# A title\n"
    "<!-- empty -->\n"
    "Words.\n"
    "<!-- before\n"
    "rm -rf x\n"
    "-->\n"
    "```console\n"
    "$ echo a \\\n"
    ">   b\n"
    "a b\n"
    "\n"
    "$ false\n"
    "exit code 1\n"
    "```\n"
    "```sh\n"
    "$ not run\n"
    "```\n";

TEST(PageTest, IsReadAndWrittenAlike) {
  const Page page = parse_page(kPage);
  EXPECT_EQ(to_text(page), kPage);
  EXPECT_TRUE(page.empty);
  ASSERT_EQ(page.parts.size(), 5U);
  EXPECT_EQ(page.parts[1].before, "rm -rf x\n");
  ASSERT_EQ(page.parts[3].steps.size(), 2U);
  EXPECT_EQ(page.parts[3].steps[0].command, "echo a \\\n  b");
  EXPECT_EQ(page.parts[3].steps[0].output, (std::vector<std::string>{"a b", ""}));
  EXPECT_EQ(page.parts[3].steps[1].output, std::vector<std::string>{"exit code 1"});
}

TEST(PageTest, WhatIsNotCompleteIsRefused) {
  EXPECT_THROW(parse_page("```console\n$ echo\n"), std::runtime_error);
  EXPECT_THROW(parse_page("```console\nfree text\n```\n"), std::runtime_error);
  EXPECT_THROW(parse_page("```console\n```\n"), std::runtime_error);
  EXPECT_THROW(parse_page("<!-- before\n-->\n"), std::runtime_error);
}

TEST(MaskedTest, KeepsWhatTheEventsAreAndHidesWhatTheRunIs) {
  EXPECT_EQ(masked("2026-11-26 13:23:20  recovery        17  2025-01-15 14"),
            "TIME recovery 17 2025-01-15 14");
  EXPECT_EQ(masked("recovery 20261126t132320z_4ee8cdc7"), "recovery ID");
  EXPECT_EQ(masked("12 files, 179 records, 34.7 KiB"), "12 files, 179 records, SIZE");
  EXPECT_EQ(masked("60 rows inserted (11,811 rows/s)"), "60 rows inserted (RATE)");
  EXPECT_EQ(masked("(679 d 13 h ago)"), "(AGO)");
}

}  // namespace
}  // namespace changevault::testing
