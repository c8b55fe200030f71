#include "store/key_layout.h"

#include <gtest/gtest.h>

namespace changevault {
namespace {

const KeyLayout kLayout("changestreams");

Hour hour(const char* text) {
  return parse_hour(text).value();
}

SegmentName::Origin origin(std::int32_t partition, std::int64_t first, std::int64_t last,
                           std::int64_t claim) {
  return {PartitionId(partition), Sequence(first), Sequence(last), Slot(claim)};
}

const Hour kHour = hour("2025-01-15T14:00:00Z");
const SegmentName::Origin kOrigin = origin(3, 123456, 125999, 42);
constexpr const char* kFile =
    "14-batch-p003-00000000000000123456-00000000000000125999-c000000000042.jsonl.gz";

TEST(KeyLayout, SegmentsStandUnderTheirNamespaceAndHour) {
  EXPECT_EQ(kLayout.segment({"inventory_db", "products"}, kHour, kOrigin),
            "changestreams/inventory_db/products/2025/01/15/"
            "14-batch-p003-00000000000000123456-00000000000000125999-c000000000042.jsonl.gz");
  EXPECT_EQ(kLayout.segment({"inventory_db", ""}, kHour, kOrigin),
            std::string("changestreams/inventory_db/_database/2025/01/15/") + kFile);
  EXPECT_EQ(kLayout.segment({}, kHour, kOrigin),
            std::string("changestreams/_cluster/_cluster/2025/01/15/") + kFile);
  EXPECT_EQ(kLayout.dead_letter(kHour, kOrigin),
            std::string("changestreams/_deadletter/2025/01/15/") + kFile);
  EXPECT_EQ(
      kLayout.segment({"d", "c"}, hour("1999-12-31T00:00:00Z"), origin(1234, 0, INT64_MAX, 999999999999)),
      "changestreams/d/c/1999/12/31/"
      "00-batch-p1234-00000000000000000000-09223372036854775807-c999999999999.jsonl.gz");
}

TEST(KeyLayout, PrefixesEndWhereTheNextPartStarts) {
  EXPECT_EQ(kLayout.archive_prefix(), "changestreams/");
  EXPECT_EQ(kLayout.database_prefix("inventory_db"), "changestreams/inventory_db/");
  EXPECT_EQ(kLayout.namespace_prefix({"a/b", "_x"}), "changestreams/a%2Fb/%5Fx/");
  EXPECT_EQ(kLayout.hour_prefix({"d", "c"}, kHour), "changestreams/d/c/2025/01/15/14-");
  EXPECT_EQ(kLayout.dead_letter_prefix(), "changestreams/_deadletter/");
  EXPECT_EQ(kLayout.ledger_prefix(), "changestreams/_ledger/");
  EXPECT_EQ(kLayout.partition_chain(PartitionId(3)), "changestreams/_ledger/p003/");
  EXPECT_EQ(kLayout.partition_chain(PartitionId(4567)), "changestreams/_ledger/p4567/");
  EXPECT_EQ(kLayout.seal_chain(), "changestreams/_ledger/seals/");
  EXPECT_EQ(kLayout.ack_chain(), "changestreams/_ledger/acks/");
  EXPECT_EQ(kLayout.recoveries_prefix(), "changestreams/_ledger/recoveries/");
  EXPECT_EQ(kLayout.recovery_chain("20250116T081500Z-1a2b3c4d"),
            "changestreams/_ledger/recoveries/20250116T081500Z-1a2b3c4d/");
  EXPECT_EQ(kLayout.recovery_plan("20250116T081500Z-1a2b3c4d"),
            "changestreams/_ledger/recoveries/20250116T081500Z-1a2b3c4d/plan.json");
}

TEST(KeyLayout, BodiesOfOversizeEventsAreNamedByTheirSha256) {
  const std::string sha = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
  EXPECT_EQ(KeyLayout::oversize_name(sha), "_oversize/5f/" + sha + ".json");
  EXPECT_EQ(kLayout.oversize(sha), "changestreams/_oversize/5f/" + sha + ".json");
  EXPECT_EQ(KeyLayout("").oversize(sha), "_oversize/5f/" + sha + ".json");
  EXPECT_EQ(kLayout.oversize_prefix(), "changestreams/_oversize/");
  EXPECT_EQ(kLayout.parse_oversize(kLayout.oversize(sha)), sha);
  EXPECT_EQ(KeyLayout("").parse_oversize(KeyLayout("").oversize(sha)), sha);
  EXPECT_EQ(kLayout.parse(kLayout.oversize(sha)), std::nullopt);
  EXPECT_EQ(kLayout.parse_oversize(kFile), std::nullopt);
  for (const std::string& other :
       {"_oversize/5f/" + sha + ".json", "changestreams/_oversize/5e/" + sha + ".json",
        "changestreams/_oversize/" + sha + ".json", "changestreams/_oversize/5f/x/" + sha + ".json",
        "changestreams/_oversize/5f/" + sha, "changestreams/_oversize/5f/" + sha + "0.json",
        "changestreams/_oversize/5F/5F" + sha.substr(2) + ".json", std::string("changestreams/_oversize/")})
    EXPECT_EQ(kLayout.parse_oversize(other), std::nullopt) << other;
}

TEST(KeyLayout, WithoutARootKeysStartAtTheStore) {
  const KeyLayout layout("");
  EXPECT_EQ(layout.archive_prefix(), "");
  EXPECT_EQ(layout.seal_chain(), "_ledger/seals/");
  const std::string key = layout.segment({"d", "c"}, kHour, kOrigin);
  EXPECT_EQ(key, std::string("d/c/2025/01/15/") + kFile);
  EXPECT_EQ(layout.parse(key)->ns, (Namespace{"d", "c"}));
  const KeyLayout deep("tenant/one");
  EXPECT_EQ(deep.parse(deep.dead_letter(kHour, kOrigin))->dead_letter, true);
}

TEST(KeyLayout, ParsingIsTheInverseOfBuilding) {
  for (const Namespace& ns :
       {Namespace{"inventory_db", "products"}, Namespace{"inventory_db", ""}, Namespace{},
        Namespace{"_db", "."}, Namespace{"..", "_database"}, Namespace{"_cluster", "_cluster"},
        Namespace{"sp ace", "\xc3\xa9/%"}, Namespace{"_ledger", "seals"}}) {
    SCOPED_TRACE(to_string(ns));
    const auto name = kLayout.parse(kLayout.segment(ns, kHour, kOrigin));
    ASSERT_TRUE(name.has_value());
    EXPECT_EQ(*name, (SegmentName{ns, kHour, false, kOrigin}));
  }
  EXPECT_EQ(kLayout.parse(kLayout.dead_letter(kHour, kOrigin)), (SegmentName{{}, kHour, true, kOrigin}));
}

TEST(KeyLayout, FilesOfOtherProgramsHaveNoOrigin) {
  for (const char* file :
       {"14-batch-0001.jsonl.gz", "14-x.jsonl.gz", "14-batch-p003.jsonl.gz", "14-x.json.gz", "14-x.jsonl",
        "14-x.json", "14-.json",
        // Ours, but for the ending.
        "14-batch-p003-00000000000000123456-00000000000000125999-c000000000042.jsonl",
        "14-batch-p003-00000000000000123456-00000000000000125999-c000000000042.json.gz",
        // Nearly ours: not padded, swapped, too long for a number, signed.
        "14-batch-p3-00000000000000123456-00000000000000125999-c000000000042.jsonl.gz",
        "14-batch-p003-123456-125999-c42.jsonl.gz",
        "14-batch-p003-00000000000000125999-00000000000000123456-c000000000042.jsonl.gz",
        "14-batch-p003-99999999999999999999-99999999999999999999-c000000000042.jsonl.gz",
        "14-batch-p003-0000000000000000000-1-00000000000000125999-c000000000042.jsonl.gz",
        "14-batch-p003-00000000000000123456-00000000000000125999-c000000000042-x.jsonl.gz"}) {
    SCOPED_TRACE(file);
    const auto name = kLayout.parse(std::string("changestreams/inventory_db/products/2025/01/15/") + file);
    ASSERT_TRUE(name.has_value());
    EXPECT_EQ(*name, (SegmentName{{"inventory_db", "products"}, kHour, false, std::nullopt}));
  }
  const auto odd = kLayout.parse("changestreams/My Db/caf\xc3\xa9/2025/01/15/14-x.jsonl.gz");
  ASSERT_TRUE(odd.has_value());
  EXPECT_EQ(odd->ns, (Namespace{"My Db", "caf\xc3\xa9"})) << "names of others come back as they stand";
}

TEST(KeyLayout, WhatIsNoArchivedFileIsNotRead) {
  const std::string file = kFile;
  for (const std::string& key : std::vector<std::string>{"",
                                                         "changestreams",
                                                         "changestreams/",
                                                         file,
                                                         "d/c/2025/01/15/" + file,
                                                         "changestreamsX/d/c/2025/01/15/" + file,
                                                         "changestreams/_ledger/p003/000000000042.json",
                                                         "changestreams/_ledger/seals/2025/01/15/" + file,
                                                         "changestreams/_other/c/2025/01/15/" + file,
                                                         "changestreams/d/_other/2025/01/15/" + file,
                                                         "changestreams/_cluster/c/2025/01/15/" + file,
                                                         "changestreams/d/_cluster/2025/01/15/" + file,
                                                         "changestreams/_database/c/2025/01/15/" + file,
                                                         "changestreams/c/2025/01/15/" + file,
                                                         "changestreams/d/c/x/2025/01/15/" + file,
                                                         "changestreams/d/c/2025/02/30/" + file,
                                                         "changestreams/d/c/2025/13/01/" + file,
                                                         "changestreams/d/c/2025/1/15/" + file,
                                                         "changestreams/d/c/25/01/15/" + file,
                                                         "changestreams/d/c/2025/01/+5/" + file,
                                                         "changestreams/d/c/2025/01/15/24-x.jsonl.gz",
                                                         "changestreams/d/c/2025/01/15/4-x.jsonl.gz",
                                                         "changestreams/d/c/2025/01/15/14.jsonl.gz",
                                                         "changestreams/d/c/2025/01/15/14-x.jsonl.zst",
                                                         "changestreams/d/c/2025/01/15/14-x.parquet",
                                                         "changestreams/d/c/2025/01/15/14-x_json",
                                                         "changestreams/d/c/2025/01/15/14.json",
                                                         "changestreams/_deadletter/2025/01/15/14-x.json",
                                                         "changestreams/d/c/2025/01/15/" + file + ".tmp",
                                                         "changestreams/d/c/2025/01/15/",
                                                         "changestreams//c/2025/01/15/" + file,
                                                         "changestreams/d//2025/01/15/" + file,
                                                         "changestreams/../c/2025/01/15/" + file,
                                                         "changestreams/_deadletter/x/2025/01/15/" + file,
                                                         "/changestreams/d/c/2025/01/15/" + file}) {
    EXPECT_EQ(kLayout.parse(key), std::nullopt) << key;
  }
}

TEST(KeyLayout, SlotsAndPartitionFoldersHaveOneSpelling) {
  EXPECT_EQ(KeyLayout::slot_name(Slot(0)), "000000000000.json");
  EXPECT_EQ(KeyLayout::slot_name(Slot(42)), "000000000042.json");
  EXPECT_EQ(KeyLayout::parse_slot_name("000000000042.json"), Slot(42));
  for (const char* name : {"42.json", "000000000042", "000000000042.json ", "-00000000042.json", "plan.json",
                           ".json", "0000000000042.json", "99999999999999999999.json", ""}) {
    EXPECT_EQ(KeyLayout::parse_slot_name(name), std::nullopt) << name;
  }
  EXPECT_EQ(KeyLayout::parse_partition_folder("p003"), PartitionId(3));
  EXPECT_EQ(KeyLayout::parse_partition_folder("p1234"), PartitionId(1234));
  for (const char* folder : {"p3", "p0003", "p", "003", "seals", "p-03", "p99999999999", ""}) {
    EXPECT_EQ(KeyLayout::parse_partition_folder(folder), std::nullopt) << folder;
  }
}

TEST(EncodeName, KeepsPlainNamesAndEscapesTheRest) {
  EXPECT_EQ(encode_name("inventory_db"), "inventory_db");
  EXPECT_EQ(encode_name("system.buckets.Temp-1"), "system.buckets.Temp-1");
  EXPECT_EQ(encode_name("."), "%2E");
  EXPECT_EQ(encode_name(".."), "%2E.");
  EXPECT_EQ(encode_name("..."), "...");
  EXPECT_EQ(encode_name("_private"), "%5Fprivate");
  EXPECT_EQ(encode_name("a_b"), "a_b");
  EXPECT_EQ(encode_name("a/b c%d~"), "a%2Fb%20c%25d%7E");
  EXPECT_EQ(encode_name("\xc3\xa9"), "%C3%A9");
  EXPECT_EQ(encode_name(std::string("\0\n", 2)), "%00%0A");
}

TEST(EncodeName, CutsLongNamesAndHashesThem) {
  EXPECT_EQ(encode_name(std::string(180, 'x')), std::string(180, 'x'));
  EXPECT_EQ(encode_name(std::string(181, 'x')), std::string(180, 'x') + ".~dc31ed5afb940294");
  // Never inside an escape: 59 of three bytes are 177, and the two bytes of "ab" make 179.
  std::string name;
  for (int i = 0; i < 59; ++i) name += ' ';
  const std::string spaces = encode_name(name);
  EXPECT_EQ(spaces.size(), 177U);
  EXPECT_EQ(encode_name(name + "ab" + " ").substr(0, 181), spaces + "ab.~");
  EXPECT_EQ(encode_name(name + "a" + " ").substr(0, 180), spaces + "a.~");
  EXPECT_EQ(encode_name(name + " "), spaces + "%20");
  EXPECT_EQ(encode_name(name + "  ").substr(0, 182), spaces + "%20.~");
  EXPECT_NE(encode_name(std::string(181, 'x')), encode_name(std::string(182, 'x')));
}

TEST(EncodeName, OnlyItsOwnSpellingIsDecoded) {
  EXPECT_EQ(decode_name("a%2Fb"), "a/b");
  EXPECT_EQ(decode_name("%5Fx"), "_x");
  EXPECT_EQ(decode_name("%2E."), "..");
  for (const std::string& part :
       std::vector<std::string>{"", "a%2fb", "%41", "a%", "a%2", "%zz", "_x", ".", "..", "a b", "a~", "a/b",
                                "%2E%2E", std::string(181, 'x'), encode_name(std::string(181, 'x'))}) {
    EXPECT_EQ(decode_name(part), std::nullopt) << part;
  }
}

TEST(EncodeName, ACutNameComesBackAsItStands) {
  const Namespace ns{"d", std::string(300, 'c')};
  const auto name = kLayout.parse(kLayout.segment(ns, kHour, kOrigin));
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->ns.collection, encode_name(ns.collection));
  EXPECT_EQ(name->origin, kOrigin);
}

}  // namespace
}  // namespace changevault
