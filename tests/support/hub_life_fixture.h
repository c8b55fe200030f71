// An archive in memory whose hub changes under it.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "archive/archiver.h"
#include "archive/verify.h"
#include "tests/support/archive_fixture.h"

namespace changevault::testing {

struct HubLifeFixture : ArchiveFixture {
  Result<ArchiveTotals> archive_as(bool new_epoch, bool accept_loss, ArchiveMode mode = ArchiveMode::kOnce) {
    ArchiverOptions with = options;
    with.new_epoch = new_epoch;
    with.accept_loss = accept_loss;
    return Archiver(parts(), with).run(mode, {});
  }
  Result<ArchiveTotals> archive_from(Hub& other, ArchiveMode mode = ArchiveMode::kOnce) {
    return Archiver({other, store, layout, clock, random}, options).run(mode, {});
  }
  void expect_nothing_written(const std::vector<std::string>& before) { EXPECT_EQ(keys(), before); }
  void expect_verified(std::int64_t records) {
    const VerifyReport report = verify();
    EXPECT_EQ(report.verdict, Verdict::kPass) << (report.problems.empty() ? "" : report.problems[0].detail);
    EXPECT_EQ(report.records_checked, records);
  }
};

}  // namespace changevault::testing
