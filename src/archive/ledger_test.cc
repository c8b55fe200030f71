#include "archive/ledger.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "archive/chain.h"
#include "codec/json.h"
#include "codec/sealed_json.h"
#include "tests/support/expect.h"

namespace changevault {
namespace {

using testing::value;

SegmentFacts facts() {
  SegmentFacts f;
  f.key =
      "changestreams/inventory_db/products/2025/01/15/"
      "14-batch-p003-00000000000000000010-00000000000000000019-c000000000004.jsonl.gz";
  f.ns = {"inventory_db", "products"};
  f.hour = hour_of(*parse_rfc3339("2025-01-15T14:00:00Z"));
  f.partition = PartitionId(3);
  f.records = 9;
  f.operations = {{"delete", 1}, {"insert", 8}};
  f.first = Sequence(10);
  f.last = Sequence(19);
  f.min_time = *parse_rfc3339("2025-01-15T14:00:01.250Z");
  f.max_time = *parse_rfc3339("2025-01-15T14:59:59.999Z");
  f.bytes = 4321;
  f.text_bytes = 22222;
  f.sha256 = std::string(64, 'a');
  f.md5 = std::string(32, 'b');
  f.digest = 0xfedcba9876543210ULL;
  f.distinct = 8;
  f.blocks.push_back(
      {10, 4301, 0, 22222, 9, Sequence(10), f.min_time, f.max_time, std::string(64, 'c'), f.digest});
  return f;
}

std::vector<EntryBody> bodies() {
  const Timestamp time = *parse_rfc3339("2025-01-15T15:00:00.000Z");
  const Hour hour = hour_of(time);
  CommitEntry commit{
      Epoch(0), Sequence(10), Sequence(20), 10, time, Tail{Sequence(20), {1, 2}, time}, {facts()}, {}};
  SegmentFacts dead = facts();
  dead.records = 1;
  dead.operations.clear();
  commit.dead_letters.push_back(dead);
  SealEntry seal{hour,
                 {hour.index + 2},
                 {},
                 {},
                 {{PartitionId(1), Slot(9)}},
                 {{PartitionId(0), Slot(3)}, {PartitionId(1), Slot(8)}},
                 std::nullopt};
  seal.cells.push_back({hour,
                        {"a", "ü \"quoted\"/%"},
                        {9, 0xffffffffffffffffULL},
                        {{"insert", 9}},
                        {{"k", std::string(64, 'd')}}});
  seal.dead_letters.push_back({hour, 3, {{"dead", std::string(64, 'e')}}});
  SealEntry named = seal;
  named.hub = Slot(2);
  return {ClaimEntry{Epoch(0), Sequence(0), std::nullopt, std::nullopt},
          ClaimEntry{Epoch(1), Sequence(77), time, time},
          commit,
          CommitEntry{Epoch(0), Sequence(0), Sequence(-1), 0, time, std::nullopt, {}, {}},
          LostEntry{Epoch(0), Sequence(5), Sequence(9), "retention", std::nullopt, time, {"left/over"}},
          HubEntry{"sqlite", "identity", "hub", Epoch(0), "pipeline", "default", 4},
          seal,
          named,
          LostEntry{Epoch(0), Sequence(21), Sequence(21), "another hub", time, time, {}, true}};
}

Entry entry(EntryBody body) {
  return {{"host:1", "nonce", *parse_rfc3339("2025-01-15T15:01:02.003Z"), std::string(64, '0')},
          std::move(body)};
}

TEST(Ledger, EveryKindComesBackAsItWas) {
  for (const EntryBody& body : bodies()) {
    const Entry written = entry(body);
    EXPECT_EQ(value(decode_entry(encode_entry(written), "key")), written);
  }
}

TEST(Ledger, AnyFlippedByteIsFound) {
  for (const EntryBody& body : bodies()) {
    const std::string bytes = encode_entry(entry(body));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ 0x20);
      const auto read = decode_entry(flipped, "key");
      EXPECT_FALSE(read) << "byte " << i << " of " << bytes;
    }
  }
}

TEST(Ledger, AnyCutIsFound) {
  const std::string bytes = encode_entry(entry(bodies()[2]));
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_entry(bytes.substr(0, n), "key")) << n;
}

TEST(Ledger, ANewerFormatIsNamed) {
  const std::string bytes = seal_json({{"format", 2}, {"kind", "claim"}});
  EXPECT_ERROR(decode_entry(bytes, "key"), ErrorCode::kUsage);
}

TEST(Ledger, RefusesWhatCannotBe) {
  CommitEntry commit{Epoch(0), Sequence(5), Sequence(2), 0, {}, std::nullopt, {}, {}};
  EXPECT_ERROR(decode_entry(encode_entry(entry(commit)), "key"), ErrorCode::kCorrupt);
}

// One line each of the released format: docs/formats/samples/ledger-v1.jsonl must be readable for ever.
TEST(Ledger, ReadsTheSampleOfItsFormat) {
  const auto path =
      std::filesystem::path(__FILE__).parent_path() / "../../docs/formats/samples/ledger-v1.jsonl";
  std::ifstream in(path, std::ios::binary);
  ASSERT_TRUE(in) << path;
  std::vector<EntryBody> read;
  for (std::string line; std::getline(in, line);)
    read.push_back(value(decode_entry(line + "\n", "sample")).body);
  EXPECT_EQ(read, bodies());
}

}  // namespace
}  // namespace changevault
