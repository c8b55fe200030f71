#include "hub/sqlite/sqlite_hub.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/manual_clock.h"
#include "base/random.h"
#include "hub/sqlite/sqlite_database.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace changevault::testing {
namespace {

constexpr Timestamp kStart{1'736'949'600'000};

class SqliteHubTest : public ::testing::Test {
 protected:
  std::unique_ptr<SqliteHub> create(std::int32_t partitions = 1) {
    return value(SqliteHub::create(path_, partitions, clock_, system_random()));
  }
  void append(Hub& hub, int events) {
    std::vector<Message> messages;
    for (int i = 0; i < events; ++i) messages.push_back({"k", std::to_string(i), std::nullopt});
    ASSERT_OK(value(hub.producer())->append(std::move(messages)));
  }
  // Changes the file behind the hub's back.
  void edit(const std::string& sql) {
    auto database = value(SqliteDatabase::open(path_, SqliteDatabase::Mode::kCreate, clock_));
    ASSERT_OK(database->run(sql));
  }
  void write_file(const std::string& bytes) { std::ofstream(path_, std::ios::binary) << bytes; }

  TempDir folder_;
  std::string path_ = folder_ / "hub.db";
  ManualClock clock_{kStart};
};

TEST_F(SqliteHubTest, CreateIsIdempotentAndTheIdentityStays) {
  const std::string identity = value(create(3)->describe()).identity;
  EXPECT_EQ(identity.size(), 32U);
  EXPECT_EQ(value(create(3)->describe()).identity, identity);
  EXPECT_EQ(value(value(SqliteHub::open(path_, clock_))->describe()).identity, identity);
  std::filesystem::remove(path_);
  EXPECT_NE(value(create(3)->describe()).identity, identity);
}

TEST_F(SqliteHubTest, PartitionsAreAddedNeverTakenAway) {
  create(3);
  EXPECT_ERROR(SqliteHub::create(path_, 2, clock_, system_random()), ErrorCode::kUsage);
  EXPECT_EQ(value(create(5)->describe()).partitions, 5);
  EXPECT_EQ(value(create(5)->bounds()).size(), 5U);
  EXPECT_ERROR(SqliteHub::create(path_, 0, clock_, system_random()), ErrorCode::kUsage);
  EXPECT_ERROR(SqliteHub::create(path_, 1025, clock_, system_random()), ErrorCode::kUsage);
}

TEST_F(SqliteHubTest, NoHubIsNotFoundWithAHint) {
  for (const bool empty_file : {false, true}) {
    if (empty_file) write_file("");
    const auto hub = SqliteHub::open(path_, clock_);
    EXPECT_ERROR(hub, ErrorCode::kNotFound);
    EXPECT_NE(hub.error().hint.find("changevault init"), std::string::npos);
  }
}

TEST_F(SqliteHubTest, WhatIsNoHubIsSaid) {
  EXPECT_ERROR(SqliteHub::open(folder_.path().string(), clock_), ErrorCode::kUsage);
  edit("CREATE TABLE other (x)");
  EXPECT_ERROR(SqliteHub::open(path_, clock_), ErrorCode::kUsage);
  EXPECT_ERROR(SqliteHub::create(path_, 1, clock_, system_random()), ErrorCode::kUsage);
  std::filesystem::remove(path_);
  write_file(std::string(100'000, 'x'));
  EXPECT_ERROR(SqliteHub::open(path_, clock_), ErrorCode::kCorrupt);
  EXPECT_ERROR(SqliteHub::create(path_, 1, clock_, system_random()), ErrorCode::kCorrupt);
}

TEST_F(SqliteHubTest, ANewerFormatIsSaid) {
  create();
  edit("PRAGMA user_version=99");
  const auto hub = SqliteHub::open(path_, clock_);
  EXPECT_ERROR(hub, ErrorCode::kUsage);
  EXPECT_NE(hub.error().message.find("99"), std::string::npos);
}

TEST_F(SqliteHubTest, ADamagedPageIsCorrupt) {
  append(*create(), 2000);
  edit("PRAGMA wal_checkpoint(TRUNCATE)");
  {
    std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(16384);
    file << std::string(static_cast<std::size_t>(std::filesystem::file_size(path_)) - 16384, '\x5a');
  }
  const auto hub = SqliteHub::open(path_, clock_);
  EXPECT_ERROR(hub, ErrorCode::kCorrupt);
}

TEST_F(SqliteHubTest, AMissingEventIsCorruptNotTheEnd) {
  auto hub = create();
  append(*hub, 10);
  edit("DELETE FROM events WHERE key = 9");
  auto consumer = value(hub->join("g"));
  value(consumer->poll(milliseconds(0), {}));
  ASSERT_OK(consumer->seek(PartitionId(0), Sequence(0)));
  EXPECT_ERROR(consumer->poll(milliseconds(0), {}), ErrorCode::kCorrupt);
}

TEST_F(SqliteHubTest, PositionsBeforeTheFirstEventAreNotFound) {
  auto hub = create();
  append(*hub, 10);
  auto consumer = value(hub->join("g"));
  value(consumer->poll(milliseconds(0), {}));
  ASSERT_OK(consumer->seek(PartitionId(0), Sequence(2)));
  edit("DELETE FROM events WHERE key < 5; UPDATE partitions SET first = 5");
  const auto poll = consumer->poll(milliseconds(0), {});
  EXPECT_ERROR(poll, ErrorCode::kNotFound);
  EXPECT_NE(poll.error().message.find("the oldest is 5"), std::string::npos);
  EXPECT_ERROR(consumer->seek(PartitionId(0), Sequence(4)), ErrorCode::kNotFound);
  EXPECT_OK(consumer->seek(PartitionId(0), Sequence(5)));
  EXPECT_FALSE(value(hub->read(PartitionId(0), Sequence(4))));
}

TEST_F(SqliteHubTest, AFileReplacedWhileInUseTakesNoMoreEvents) {
  auto hub = create();
  auto producer = value(hub->producer());
  auto consumer = value(hub->join("g"));
  std::filesystem::rename(path_, folder_ / "moved.db");
  EXPECT_ERROR(producer->append({{"k", "{}", std::nullopt}}), ErrorCode::kUnreachable);
  EXPECT_ERROR(hub->bounds(), ErrorCode::kUnreachable);
  EXPECT_ERROR(consumer->commit(PartitionId(0), Sequence(0)), ErrorCode::kUnreachable);
}

TEST_F(SqliteHubTest, WaitingForAnotherWriterEndsAtTheDeadline) {
  auto hub = create();
  auto producer = value(hub->producer());
  auto other = value(SqliteDatabase::open(path_, SqliteDatabase::Mode::kExisting, clock_));
  {
    auto transaction = value(SqliteTransaction::begin(*other, SqliteTransaction::Kind::kWrite));
    const auto appended = producer->append({{"k", "{}", std::nullopt}});
    EXPECT_ERROR(appended, ErrorCode::kBusy);
    EXPECT_TRUE(appended.error().retryable);
    EXPECT_GE(clock_.now(), kStart + seconds(60));
    EXPECT_OK(hub->bounds());  // readers do not wait
  }
  EXPECT_OK(producer->append({{"k", "{}", std::nullopt}}));
}

TEST_F(SqliteHubTest, ALongWaitIsToldOnceWithItsHolder) {
  std::vector<std::string> told;
  auto hub = value(SqliteHub::create(path_, 1, clock_, system_random(),
                                     {.on_wait = [&](const std::string& words) { told.push_back(words); }}));
  auto producer = value(hub->producer());
  auto other = value(SqliteDatabase::open(path_, SqliteDatabase::Mode::kExisting, clock_));
  auto transaction = value(SqliteTransaction::begin(*other, SqliteTransaction::Kind::kWrite));
  EXPECT_ERROR(producer->append({{"k", "{}", std::nullopt}}), ErrorCode::kBusy);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].find("waiting for the hub, held by process " + std::to_string(::getpid())),
            std::string::npos)
      << told[0];
  EXPECT_NE(told[0].find("for 58s at most"), std::string::npos) << told[0];
  EXPECT_ERROR(producer->append({{"k", "{}", std::nullopt}}), ErrorCode::kBusy);
  EXPECT_EQ(told.size(), 2U) << "another wait is told again";
}

// What version 1 of this program made.
TEST_F(SqliteHubTest, AHubOfTheFirstFormatIsBroughtToThisOne) {
  edit(R"sql(
    PRAGMA page_size=16384; PRAGMA application_id=1129728066; PRAGMA user_version=1;
    CREATE TABLE hub (id INTEGER PRIMARY KEY CHECK (id = 0), identity TEXT NOT NULL,
      partitions INTEGER NOT NULL CHECK (partitions > 0), newest INTEGER,
      live INTEGER NOT NULL CHECK (live IN (0, 1))) STRICT;
    CREATE TABLE partitions (partition INTEGER PRIMARY KEY, first INTEGER NOT NULL CHECK (first >= 0),
      next INTEGER NOT NULL CHECK (next >= first)) STRICT;
    CREATE TABLE events (key INTEGER PRIMARY KEY, time INTEGER NOT NULL, payload BLOB NOT NULL) STRICT;
    CREATE TABLE consumer_groups (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    CREATE TABLE positions (name TEXT NOT NULL, partition INTEGER NOT NULL,
      next INTEGER NOT NULL CHECK (next >= 0), PRIMARY KEY (name, partition)) STRICT, WITHOUT ROWID;
    INSERT INTO hub VALUES (0, '0123456789abcdef0123456789abcdef', 2, 2000, 0);
    INSERT INTO partitions VALUES (0, 1, 3), (1, 0, 0);
    INSERT INTO events VALUES (1, 2000, x'6162'), (2, 1000, x'636465');
    INSERT INTO consumer_groups VALUES ('$Default'), ('g');
    INSERT INTO positions VALUES ('g', 0, 2);
  )sql");
  auto hub = value(SqliteHub::open(path_, clock_));
  EXPECT_EQ(value(hub->describe()).identity, "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(value(hub->read(PartitionId(0), Sequence(2)))->events[0].payload, "cde");
  EXPECT_EQ(value(hub->describe_group("g")).positions[0].next, Sequence(2));
  auto consumer = value(hub->join("g"));
  EXPECT_EQ(value(consumer->poll(milliseconds(0), {})).assigned.size(), 2U);
  append(*hub, 1);
  auto database = value(SqliteDatabase::open(path_, SqliteDatabase::Mode::kExisting, clock_));
  EXPECT_EQ(value(database->number("PRAGMA user_version")), 3);
  EXPECT_EQ(value(database->number("SELECT sum(bytes) FROM partitions")), 2 + 3 + 1);
  EXPECT_EQ(value(database->number("SELECT max(reached) FROM partitions WHERE partition = 0")),
            value(hub->bounds())[0].next.value > 3 ? kStart.ms : 2000);
  EXPECT_OK(SqliteHub::create(path_, 2, clock_, system_random()));
}

// What version 2 of this program made: groups of nobody, nothing known of what is gone.
TEST_F(SqliteHubTest, AHubOfTheSecondFormatIsBroughtToThisOne) {
  {
    auto hub = value(SqliteHub::create(path_, 2, clock_, system_random()));
    append(*hub, 3);
    ASSERT_OK(hub->create_group("g", {{PartitionId(0), Sequence(0)}}));
  }
  edit(
      "ALTER TABLE partitions DROP COLUMN gone; ALTER TABLE consumer_groups DROP COLUMN archive; "
      "ALTER TABLE consumer_groups DROP COLUMN archive_name; PRAGMA user_version=2");
  auto hub = value(SqliteHub::open(path_, clock_));
  EXPECT_EQ(value(hub->describe_group("g")).owner, GroupOwner());
  EXPECT_EQ(value(hub->describe_group("g")).positions[0].next, Sequence(0));
  EXPECT_EQ(value(hub->bounds())[0].gone, std::nullopt);
  EXPECT_OK(hub->join("g", {"id", "file:archive"}));
  EXPECT_EQ(value(hub->describe_group("g")).owner.name, "file:archive");
  EXPECT_OK(SqliteHub::create(path_, 2, clock_, system_random()));
}

TEST_F(SqliteHubTest, OddFileNamesAreFileNames) {
  for (const char* name : {"a b?mode=memory.db", "file:x.db", ":memory:", "\xc3\xa4%20#.db"}) {
    ASSERT_OK(SqliteHub::create(folder_ / name, 1, clock_, system_random()));
    EXPECT_TRUE(std::filesystem::exists(folder_ / name)) << name;
  }
}

}  // namespace
}  // namespace changevault::testing
