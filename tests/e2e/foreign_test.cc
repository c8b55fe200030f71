// Archives that another program wrote in the same layout, without a ledger, by the real program.
#include <functional>
#include <set>

#include <gtest/gtest.h>

#include "store/key_layout.h"
#include "tests/e2e/vault.h"

namespace changevault::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kHours = 4;
constexpr int kInHour = 20;

std::string event(int n, int hour) {
  return R"({"_id":{"_data":"82)" + std::to_string(100000 + 1000 * hour + n) +
         R"("},"operationType":"insert","clusterTime":{"$timestamp":{"t":)" +
         std::to_string(1736899200 + hour * 3600 + n) +
         R"(,"i":1}},"ns":{"db":"shop","coll":"orders"},"documentKey":{"_id":)" + std::to_string(n) +
         R"(},"fullDocument":{"_id":)" + std::to_string(n) + R"(,"price":9.90}})" + "\n";
}

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// A warehouse with 20 events in each of four hours, and an archive of the same events that only files make.
class Foreign : public ::testing::Test {
 protected:
  void SetUp() override {
    vault_.expect(0, {"init", "--set", "hub.partitions=1"});
    std::string file;
    for (int hour = 0; hour < kHours; ++hour) {
      for (int n = 0; n < kInHour; ++n) file += event(n, hour);
    }
    vault_.import(vault_.write("events.jsonl", file));
    std::istringstream lines(vault_.expect(0, {"cat"}).out);
    for (std::string line; std::getline(lines, line);) records_.push_back(line);
    ASSERT_EQ(records_.size(), static_cast<std::size_t>(kHours * kInHour));
    fs::remove_all(root());
  }

  fs::path root() const { return vault_.folder() / "data/archive/changestreams"; }

  // "00-x.jsonl" in the folder of that hour of the day.
  fs::path put(int hour, const std::string& name, const std::string& bytes,
               const std::string& collection = "orders") {
    const std::string digits = (hour < 10 ? "0" : "") + std::to_string(hour);
    const fs::path path = root() / "shop" / collection / "2025/01/15" / (digits + "-" + name);
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  static std::string gzip(const fs::path& path) {
    const Outcome done = testing::run({"gzip", "-c", path.string()});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    return done.out;
  }
  std::string gzip_of(const std::string& text) { return gzip(vault_.write("text", text)); }

  // The records of one hour, each changed.
  std::string text(int hour, const std::function<std::string(const std::string&)>& change = nullptr,
                   const std::string& end = "\n") const {
    std::string out;
    for (int n = 0; n < kInHour; ++n) {
      const std::string& record = records_[static_cast<std::size_t>(hour * kInHour + n)];
      out += (change ? change(record) : record) + end;
    }
    return out;
  }
  static std::string without_id(const std::string& record) {
    json document = json::parse(record);
    for (const char* field : {"event_id", "operation_type", "database_name", "collection_name"})
      document.erase(field);
    return document.dump();  // the fields in another order, too
  }

  // The same events in every way that others write them.
  void put_all() {
    put(0, "part-0.jsonl", text(0, without_id, "\r\n"));
    std::string members = text(1);
    const std::size_t half = members.find('\n', members.size() / 2) + 1;
    put(1, "part-0.jsonl.gz", gzip_of(members.substr(0, half)) + gzip_of(members.substr(half)));
    std::string plain = text(2);
    plain.pop_back();  // a last line without its end
    put(2, "part-0.json", "\xef\xbb\xbf" + plain);
    put(3, "part-0.json.gz", gzip_of(text(3)));
    put(3, "part-1.json", "");
    put(3, "part-2.jsonl.gz", gzip_of(""));
  }

  void lose_hour(int hour) {
    vault_.expect(0,
                  {"sql", "DELETE FROM mongodb_changes WHERE hour(enqueued_time) = " + std::to_string(hour)});
  }
  std::string states(const json& gaps) const {
    std::string out;
    for (const json& cell : gaps.at("cells")) {
      const std::string state = cell.at("state");
      out += (out.empty() ? "" : " ") + state;
    }
    return out;
  }

  Vault vault_;
  std::vector<std::string> records_;
};

TEST_F(Foreign, IsCountedByReadingOnceAndWhatIsNotProvenIsSaid) {
  put_all();
  const json first = vault_.expect_json(5, {"gaps"});
  EXPECT_EQ(states(first), "UNSEALED UNSEALED UNSEALED UNSEALED");
  for (const json& cell : first.at("cells")) {
    EXPECT_EQ(cell.at("archive"), kInHour);
    EXPECT_EQ(cell.at("missing"), 0);
    EXPECT_EQ(cell.at("sealed"), false);
  }
  EXPECT_EQ(first.at("without_ledger").at("files"), 6);
  EXPECT_EQ(first.at("without_ledger").at("records"), kHours * kInHour);
  EXPECT_EQ(first.at("without_ledger").at("made_ids"), kInHour);
  EXPECT_EQ(first.at("without_ledger").at("other_hour"), 0);
  EXPECT_GT(first.at("without_ledger").at("bytes_read"), 0);
  const json again = vault_.expect_json(5, {"gaps"});
  EXPECT_EQ(again.at("cells"), first.at("cells"));
  EXPECT_EQ(again.at("without_ledger").at("bytes_read"), 0);
  EXPECT_EQ(again.at("without_ledger").at("remembered"), 6);
  const Outcome words = vault_.expect(5, {"gaps"});
  EXPECT_NE(words.err.find("has no ledger"), std::string::npos) << words.err;
  EXPECT_NE(words.err.find("without an event_id"), std::string::npos) << words.err;
  EXPECT_EQ(vault_.expect_json(5, {"verify"}).at("result"), "INDETERMINATE");
}

TEST_F(Foreign, GapsAreFoundAndPutBack) {
  put_all();
  for (const int hour : {0, 2}) {
    lose_hour(hour);
    const json gaps = vault_.expect_json(3, {"gaps"});
    EXPECT_EQ(gaps.at("summary").at("MISSING"), 1) << gaps;
    const json done = vault_.expect_json(0, {"recover", "--gaps", "--yes"});
    EXPECT_EQ(done.at("inserted"), kInHour);
    EXPECT_EQ(done.at("segments"), 1);
    EXPECT_EQ(done.at("gaps_left"), 0);
    vault_.expect(5, {"gaps"});
  }
  lose_hour(3);
  EXPECT_EQ(vault_.expect_json(0, {"recover", "shop", "orders", "2025/01/15", "3", "--yes"}).at("inserted"),
            kInHour);
  EXPECT_EQ(vault_.expect_json(0, {"recover", "shop", "orders", "2025/01/15", "3", "--yes"}).at("inserted"),
            0);
  EXPECT_EQ(vault_.number("select count(*) from mongodb_changes"), kHours * kInHour);
  EXPECT_EQ(vault_.number("select count(*) from mongodb_changes where database_name = 'shop' and "
                          "collection_name = 'orders' and operation_type = 'insert'"),
            kHours * kInHour);
  vault_.expect(5, {"recover", "--gaps", "--yes"});
  // Recoveries leave their records below _ledger; that makes no ledger.
  EXPECT_EQ(vault_.expect_json(5, {"verify"}).at("result"), "INDETERMINATE");
}

TEST_F(Foreign, AFileThatChangedIsReadAgain) {
  put_all();
  vault_.expect(5, {"gaps"});
  put(3, "part-1.json", text(3));  // every event of that hour twice now
  const json more = vault_.expect_json(5, {"gaps"});
  EXPECT_EQ(more.at("cells").at(3).at("archive"), 2 * kInHour);
  EXPECT_EQ(more.at("cells").at(3).at("repeats"), kInHour);
  EXPECT_EQ(more.at("without_ledger").at("remembered"), 5);
}

TEST_F(Foreign, ADamagedMemoryCostsReadingAndNothingElse) {
  put_all();
  const json first = vault_.expect_json(5, {"gaps"});
  const fs::path memory = vault_.folder() / "data/found.memory";
  std::string bytes = content(memory);
  ASSERT_FALSE(bytes.empty());
  bytes[bytes.size() / 2] ^= 1;
  std::ofstream(memory, std::ios::binary | std::ios::trunc) << bytes;
  const Outcome again = vault_.expect(5, {"gaps", "--output", "json"});
  EXPECT_EQ(json::parse(again.out).at("cells"), first.at("cells"));
  EXPECT_GT(json::parse(again.out).at("without_ledger").at("bytes_read"), 0);
  EXPECT_NE(again.err.find("not remembered"), std::string::npos) << again.err;
  EXPECT_EQ(vault_.expect_json(5, {"gaps"}).at("without_ledger").at("bytes_read"), 0);
}

// The program that wrote it stamps folders with its local time, nine hours ahead, and is late now and then.
TEST_F(Foreign, FoldersMayFollowAnotherClock) {
  std::string late;
  for (int hour = 0; hour < kHours; ++hour) {
    put(hour + 9, "part-0.jsonl", late + text(hour));
    late = hour == 1 ? text(2).substr(0, text(2).find('\n') + 1) : "";  // twice in the file of hour 2
    if (hour == 1) put(hour + 10, "late.jsonl", text(0).substr(0, text(0).find('\n') + 1));
  }
  const Outcome nothing = vault_.expect(5, {"cat", "shop", "orders", "2025/01/15", "2"});
  EXPECT_NE(nothing.err.find("changevault gaps"), std::string::npos) << nothing.err;
  const json all = vault_.expect_json(5, {"gaps"});
  EXPECT_EQ(states(all), "UNSEALED UNSEALED UNSEALED UNSEALED");
  EXPECT_EQ(all.at("without_ledger").at("other_hour"), all.at("without_ledger").at("records"));
  EXPECT_EQ(all.at("without_ledger").at("latest_folder"), 11);
  const Outcome words = vault_.expect(5, {"gaps"});
  EXPECT_NE(words.err.find("folders follow another clock"), std::string::npos) << words.err;
  // Records are asked for by their own time, files by their folders'.
  const std::string first = text(2).substr(0, text(2).find('\n') + 1);
  EXPECT_EQ(vault_.expect(0, {"cat", "shop", "orders", "2025/01/15", "2"}).out, first + text(2));
  const json file = vault_.expect_json(0, {"export", "shop", "orders", "2025/01/15", "2", "-o", "two.jsonl"});
  EXPECT_EQ(file.at("records"), kInHour + 1);
  EXPECT_EQ(file.at("expected"), nullptr);
  EXPECT_EQ(vault_.expect_json(0, {"ls", "shop", "orders", "2025/01/15", "11"}).at("segments").size(), 2U);
  lose_hour(2);
  // What was read before tells where the hour's records are.
  const json gaps = vault_.expect_json(3, {"gaps", "shop", "orders", "2025/01/15", "2"});
  ASSERT_EQ(gaps.at("cells").size(), 1U);
  EXPECT_EQ(gaps.at("cells").at(0).at("missing"), kInHour);
  const json done = vault_.expect_json(0, {"recover", "shop", "orders", "2025/01/15", "2", "--yes"});
  EXPECT_EQ(done.at("inserted"), kInHour);
  EXPECT_EQ(done.at("expected"), kInHour + 1) << "one event was written twice";
  EXPECT_EQ(vault_.number("select count(*) from mongodb_changes"), kHours * kInHour);
}

TEST_F(Foreign, AConditionOnTheTimeIsOnTheRecordsOwn) {
  put(2, "part-0.jsonl", text(0));  // folders two hours ahead
  put(4, "part-0.jsonl", text(2));
  const std::string when = json::parse(records_[2 * kInHour + 3]).at("enqueued_time");
  for (const std::vector<std::string>& scope : {std::vector<std::string>{"cat"},
                                                {"cat", "shop", "orders"},
                                                {"cat", "shop", "orders", "2025/01/15", "2"}}) {
    std::vector<std::string> words = scope;
    words.insert(words.end(), {"--where", "enqueued_time=" + when});
    EXPECT_EQ(vault_.expect(0, words).out, records_[2 * kInHour + 3] + "\n");
  }
}

// Signs of a glob in a folder's name: the name is itself first.
TEST_F(Foreign, ANameWithGlobSignsIsFoundByItself) {
  for (const std::string& name : std::vector<std::string>{"a[1]", "b?c", "d\\e"}) {
    const auto renamed = [&](const std::string& record) {
      json document = json::parse(record);
      document["collection_name"] = name;
      return document.dump();
    };
    put(0, "part-0.jsonl", text(0, renamed), encode_name(name));
    const std::string out = vault_.expect(0, {"cat", "shop", name}).out;
    EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), kInHour) << name;
    EXPECT_EQ(vault_.expect_json(0, {"ls", "shop", name}).at("segments").size(), 1U) << name;
  }
}

// Cut to nothing: its name says that records were in it.
TEST_F(Foreign, AnEmptyFileOfAnArchiversNameIsDamaged) {
  put(0, "batch-p000-00000000000000000000-00000000000000000019-c000000000000.jsonl.gz", gzip_of(text(0)));
  put(0, "batch-p001-00000000000000000000-00000000000000000019-c000000000000.jsonl.gz", "");
  for (const std::vector<std::string>& verb : {std::vector<std::string>{"cat"},
                                               {"cat", "--limit", "50"},
                                               {"export", "-o", "out.jsonl"},
                                               {"get", "-d", "got"},
                                               {"recover", "--plan"}}) {
    std::vector<std::string> words = verb;
    words.insert(words.begin() + 1, {"shop", "orders", "2025/01/15", "0"});
    vault_.expect(4, words);
  }
  vault_.expect(4, {"adopt", "--yes"});
}

TEST_F(Foreign, ACutFileIsNamedAndCostsItsHourAlone) {
  put_all();
  const std::string whole = content(put(1, "part-0.jsonl.gz", gzip_of(text(1))));
  put(1, "part-0.jsonl.gz", whole.substr(0, whole.size() - 20));
  const Outcome outcome = vault_.expect(4, {"gaps", "--output", "json"});
  const json gaps = json::parse(outcome.out);
  EXPECT_EQ(gaps.at("cells").at(1).at("unreadable"), true);
  EXPECT_FALSE(gaps.at("cells").at(0).contains("unreadable"));
  EXPECT_NE(outcome.err.find("01-part-0.jsonl.gz"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("cut"), std::string::npos) << outcome.err;
  lose_hour(1);
  lose_hour(2);
  const Outcome refused = vault_.expect(4, {"recover", "shop", "orders", "2025/01/15", "1", "--yes"});
  EXPECT_NE(refused.err.find("01-part-0.jsonl.gz"), std::string::npos) << refused.err;
  EXPECT_EQ(vault_.number("select count(*) from mongodb_changes"), (kHours - 2) * kInHour);
  vault_.expect(4, {"recover", "--gaps", "--yes"});  // the rest, and that not everything could be checked
  EXPECT_EQ(vault_.number("select count(*) from mongodb_changes"), (kHours - 1) * kInHour);
}

TEST_F(Foreign, ARecordThatNobodyCanNameIsNamed) {
  put_all();
  const std::string record =
      R"({"enqueued_time":"2025-01-15T00:30:00Z","raw_event":{"operationType":"drop","ns":{"db":"shop"}}})";
  put(0, "part-1.jsonl", record + "\n");
  const Outcome outcome = vault_.expect(4, {"gaps"});
  EXPECT_NE(outcome.err.find("00-part-1.jsonl"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("no resume token"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("line 1"), std::string::npos) << outcome.err;
}

TEST_F(Foreign, NamesInTheTreeAreTakenAsTheyAre) {
  put_all();
  const std::string odd = "x'; DROP TABLE mongodb_changes; --\x1b[31m\n";
  fs::path path = put(0, "part-0.jsonl", text(0), odd);
  put(0, "$(touch pwned)`id`.jsonl", text(1));
  put(0, "..\\..\\x.jsonl", "");
  fs::create_directories(root() / "shop/orders/2025/13/99");
  std::ofstream(root() / "shop/orders/2025/13/99/00-x.jsonl") << "no record";
  std::ofstream(root() / "shop/orders/2025/01/15/00.jsonl") << "no record";
  std::ofstream(root() / "notes.txt") << "no record";
  const Outcome outcome = vault_.expect(5, {"gaps", "--output", "json"});
  const json gaps = json::parse(outcome.out);
  EXPECT_EQ(gaps.at("without_ledger").at("other_collection"), kInHour);
  EXPECT_EQ(gaps.at("cells").at(0).at("archive"), 2 * kInHour);
  EXPECT_EQ(vault_.expect(5, {"gaps"}).out.find('\x1b'), std::string::npos);
  EXPECT_EQ(vault_.expect(0, {"ls"}).out.find('\x1b'), std::string::npos);
  EXPECT_FALSE(fs::exists(vault_.folder() / "pwned"));
  EXPECT_EQ(vault_.number("select count(*) from mongodb_changes"), kHours * kInHour);
}

TEST_F(Foreign, AcknowledgedGapsHoldHereToo) {
  put_all();
  lose_hour(1);
  vault_.expect(3, {"gaps"});
  vault_.expect(0, {"ack", "shop", "orders", "2025/01/15", "1", "--reason", "known", "--yes"});
  EXPECT_EQ(vault_.expect_json(5, {"gaps"}).at("summary").at("ACKNOWLEDGED"), 1);
}

TEST_F(Foreign, WhatTheHubHasCannotBeCompared) {
  put_all();
  const Outcome outcome = vault_.expect(5, {"gaps", "--hub"});
  EXPECT_NE(outcome.err.find("no ledger"), std::string::npos) << outcome.err;
}

TEST_F(Foreign, FilesAreReadBackAsTheyAre) {
  put_all();
  const json got = vault_.expect_json(0, {"get", "-d", "copy"});
  EXPECT_EQ(got.at("total").at("records"), kHours * kInHour);
  EXPECT_EQ(content(vault_.folder() / "copy/shop/orders/2025/01/15/00-part-0.jsonl"),
            content(root() / "shop/orders/2025/01/15/00-part-0.jsonl"));
  EXPECT_EQ(vault_.expect(0, {"cat", "shop", "orders", "2025/01/15", "1"}).out, text(1));
  EXPECT_EQ(vault_.expect(0, {"cat", "02-part-0.json"}).out, text(2));
  const json exported = vault_.expect_json(0, {"export", "shop", "-o", "all.jsonl"});
  EXPECT_EQ(exported.at("records"), kHours * kInHour);
}

// --- adopt ---

// Between hours that are there: nothing says that there were no events.
TEST_F(Foreign, AnHourWithoutAFileIsNotQuiet) {
  put(0, "part-0.jsonl", text(0));
  put(2, "part-0.jsonl", text(2));
  for (const std::vector<std::string>& verb : {std::vector<std::string>{"cat"},
                                               {"cat", "--limit", "1"},
                                               {"export", "-o", "none.jsonl"},
                                               {"ls"},
                                               {"get", "-d", "got"}}) {
    std::vector<std::string> words = verb;
    words.insert(words.begin() + 1, {"shop", "orders", "2025/01/15", "1"});
    const Outcome outcome = vault_.expect(5, words);
    EXPECT_EQ((outcome.out + outcome.err).find("quiet"), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find("no ledger"), std::string::npos) << outcome.err;
  }
  EXPECT_FALSE(fs::exists(vault_.folder() / "none.jsonl"));
}

// Records that lack an id are the same events as those of a file that was made of them.
TEST_F(Foreign, AFileMadeOfItIsVouchedFor) {
  put_all();
  vault_.expect(0, {"export", "shop", "orders", "2025/01/15", "0", "-o", "hour.jsonl"});
  lose_hour(0);
  const json plan = vault_.expect_json(0, {"recover", "--from-files", "hour.jsonl", "--plan"});
  EXPECT_EQ(plan.at("archived"), kInHour);
  EXPECT_EQ(plan.at("unknown"), 0);
  EXPECT_EQ(plan.at("new"), kInHour);
}

TEST_F(Foreign, AdoptedItIsReadByItsLedger) {
  put_all();
  const Outcome asked = vault_.expect(2, {"adopt"});
  EXPECT_NE(asked.out.find("shop.orders"), std::string::npos) << asked.out;
  EXPECT_FALSE(fs::exists(root() / "_ledger"));
  const json done = vault_.expect_json(0, {"adopt", "--yes"});
  EXPECT_EQ(done.at("state"), "done");
  EXPECT_EQ(done.at("listed"), 6);
  EXPECT_EQ(done.at("records"), kHours * kInHour);
  EXPECT_EQ(vault_.expect_json(0, {"adopt", "--yes"}).at("listed"), 0);
  const json verified = vault_.expect_json(0, {"verify"});
  EXPECT_EQ(verified.at("result"), "PASS");
  EXPECT_EQ(verified.at("adopted"), 6);
  EXPECT_NE(vault_.expect(0, {"verify"}).out.find("not proven"), std::string::npos);
  EXPECT_EQ(vault_.expect_json(0, {"verify", "--incremental"}).at("remembered"), 6);
  EXPECT_EQ(vault_.expect_json(0, {"ls"}).at("total").at("records"), kHours * kInHour);
  EXPECT_EQ(vault_.expect_json(0, {"ls"}).at("segments").at(0).at("adopted"), true);
  EXPECT_EQ(states(vault_.expect_json(0, {"gaps"})), "UNSEALED UNSEALED UNSEALED UNSEALED");
  lose_hour(0);
  lose_hour(1);
  vault_.expect(0, {"sql",
                    "DELETE FROM mongodb_changes WHERE minute(enqueued_time) = 0 AND "
                    "hour(enqueued_time) = 3 AND second(enqueued_time) = 5"});
  EXPECT_EQ(states(vault_.expect_json(3, {"gaps"})), "MISSING MISSING UNSEALED PARTIAL");
  EXPECT_EQ(vault_.expect_json(0, {"recover", "--gaps", "--yes"}).at("inserted"), 2 * kInHour + 1);
  vault_.expect(0, {"gaps"});
  lose_hour(0);
  EXPECT_EQ(vault_.expect_json(0, {"recover", "shop", "orders", "2025/01/15", "0", "--yes"}).at("inserted"),
            kInHour);
  EXPECT_EQ(vault_.number("select count(distinct event_id) from mongodb_changes"), kHours * kInHour);
  std::ofstream(root() / "shop/orders/2025/01/15/02-part-0.json", std::ios::app) << " ";
  EXPECT_EQ(vault_.expect_json(4, {"verify"}).at("problems").at(0).at("kind"), "sha256");
}

TEST_F(Foreign, NothingIsAdoptedBesideADamagedFileUnlessSaid) {
  put_all();
  const std::string whole = gzip_of(text(1));
  put(1, "part-0.jsonl.gz", whole.substr(0, whole.size() - 20));
  const json refused = vault_.expect_json(4, {"adopt", "--yes"});
  EXPECT_EQ(refused.at("state"), "refused");
  ASSERT_EQ(refused.at("damaged").size(), 1U);
  EXPECT_FALSE(fs::exists(root() / "_ledger"));
  EXPECT_EQ(vault_.expect_json(4, {"adopt", "--yes", "--leave-out-damaged"}).at("listed"), 5);
  EXPECT_EQ(vault_.expect_json(0, {"verify"}).at("result"), "PASS");
}

TEST_F(Foreign, AnArchiveBeginsBesideAdoptedFilesAndIsCopiedWithThem) {
  put_all();
  vault_.options().environment["CHANGEVAULT_HUB_URL"] = "sqlite:" + (vault_.folder() / "hub2.db").string();
  EXPECT_NE(vault_.expect(2, {"init"}).err.find("adopt"), std::string::npos);
  vault_.expect(0, {"adopt", "--yes"});
  vault_.expect(0, {"init"});
  std::string more;
  for (int n = 0; n < kInHour; ++n) more += event(n, kHours);
  vault_.import(vault_.write("more.jsonl", more));
  EXPECT_EQ(vault_.expect_json(0, {"verify"}).at("result"), "PASS");
  const json gaps = vault_.expect_json(0, {"gaps"});
  EXPECT_EQ(states(gaps), "UNSEALED UNSEALED UNSEALED UNSEALED OK");
  EXPECT_EQ(vault_.expect_json(0, {"repair"}).at("items").size(), 0U);
  const std::string there = "file:" + (vault_.folder() / "there").string();
  EXPECT_TRUE(vault_.expect_json(0, {"copy", "--to", there}).at("complete"));
  vault_.options().environment["CHANGEVAULT_STORE_URL"] = there;
  const json verified = vault_.expect_json(0, {"verify"});
  EXPECT_EQ(verified.at("result"), "PASS");
  EXPECT_EQ(verified.at("adopted"), 6);
}

}  // namespace
}  // namespace changevault::testing
