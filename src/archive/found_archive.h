// An archive without a ledger, as reading its files finds it.
//
// The problem. Files of other programs stand in folders by hour, but by which clock is theirs: of the hub, of
// the program's own (then a late event lies in a later folder), or local time. Counting asks for the hour of
// the records. So the folder's hour chooses what to read, with neighbours, and the record's time decides the
// cell.
//
// How far the folders are apart from the records is not known before they are read: what was read, now or
// before, says it, and as many neighbours are read as that asks for and one more on each side. A record that
// lies further away than kMostApart is counted only where its folder was asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "archive/catalog.h"
#include "archive/found_file.h"
#include "archive/found_memory.h"
#include "base/result.h"
#include "model/scope.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

// Hours between a folder and the records in it that are followed.
inline constexpr std::int64_t kMostApart = 48;

struct FoundProgress {
  std::int64_t files_done = 0;
  std::int64_t files_all = 0;
  std::int64_t bytes_done = 0;  // of the files, remembered ones included
  std::int64_t bytes_all = 0;
};

struct FoundOptions {
  std::string source_id;
  FoundMemory* memory = nullptr;  // asked and told; nullptr: every file is read
  Timestamp now{};
  std::stop_token stop;
  bool by_folder = false;  // the folders of the scope and no neighbours
  std::function<bool(const ObjectInfo&, const SegmentName&)> leave_out;  // such files are not looked at
  std::function<void(const FoundProgress&)>
      on_progress;  // on the calling thread or a worker's, one at a time
};

// What reading found besides the counts.
struct FoundNotes {
  std::int64_t files = 0;
  std::int64_t remembered = 0;  // of these: not read, as they are unchanged since they were
  std::int64_t bytes_read = 0;
  std::int64_t records = 0;
  std::int64_t other_hour = 0;  // records whose time lies in another hour than their folder
  std::int64_t other_name = 0;  // whose collection is not that of their folder
  std::int64_t far = 0;         // other_hour, and further away than kMostApart
  std::int64_t earliest = 0;    // hours from a record's hour to its folder's, at the least and most
  std::int64_t latest = 0;
  std::int64_t made_ids = 0;
  std::int64_t damaged = 0;  // files
};

class FoundArchive {
 public:
  // Reads what of the scope's files is not remembered: of its database, collection, time, hours and pattern
  // (operations and key are not looked at). kIndeterminate where there is no such file (and none was left
  // out); what the store says; kCancelled.
  static Result<FoundArchive> read(ObjectStore& store, const KeyLayout& layout, const Scope& scope,
                                   const FoundOptions& options);

  const std::vector<FoundFile>& files() const { return files_; }  // ordered by key
  const FoundNotes& notes() const { return notes_; }

  // Those that may hold records of the scope, as listed segments without a slot; damaged ones too.
  Catalog catalog(const KeyLayout& layout, const Scope& scope) const;
  const std::string& source_id() const { return source_id_; }

 private:
  friend class FoundReader;
  std::vector<FoundFile> files_;
  FoundNotes notes_;
  std::string source_id_;
};

// Whether the file may hold a record of the scope: by its cells; a damaged one by its folder, too.
bool may_hold(const FoundFile& file, const KeyLayout& layout, const Scope& scope);

// As the ledger lists a segment; its place is that of its folder, its cells are what it holds.
ListedSegment listing_of(const FoundFile& file, const KeyLayout& layout, const std::string& source_id);

}  // namespace changevault
