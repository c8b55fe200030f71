// Builds and parses every object name of the archive (docs/formats/layout.md). Nothing else puts a key
// together.
//
//   changestreams/inventory_db/products/2025/01/15/14-batch-p003-00000000000000123456-00000000000000125999-c000000000042.jsonl.gz
//   changestreams/inventory_db/_database/2025/01/15/14-batch-p000-….jsonl.gz      events of a database
//   (dropDatabase) changestreams/_cluster/_cluster/2025/01/15/14-batch-p000-….jsonl.gz           events
//   without a namespace changestreams/_deadletter/2025/01/15/14-batch-p000-….jsonl.gz messages that are no
//   change events changestreams/_ledger/p003/000000000042.json                                  chain of a
//   partition changestreams/_ledger/seals/000000000007.json                                 chain of seals
//   changestreams/_ledger/acks/000000000000.json                                  chain of acknowledgements
//   changestreams/_ledger/recoveries/20250116T081500Z-1a2b3c4d/plan.json          and 000000000000.json …:
//   its journal
//   changestreams/_oversize/5f/5f70bf18…e18.json                                 body of an event that the
//   hub does not take
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/hour.h"
#include "model/ids.h"
#include "model/ns.h"

namespace changevault {

// The parts of an archived file's name. Of files that other programs wrote only namespace and hour are known.
struct SegmentName {
  Namespace ns;  // empty for dead letters
  Hour hour;
  bool dead_letter = false;
  struct Origin {
    PartitionId partition;
    Sequence first;
    Sequence last;
    Slot claim;
    bool operator==(const Origin&) const = default;
  };
  std::optional<Origin> origin;
  bool operator==(const SegmentName&) const = default;
};

class KeyLayout {
 public:
  // `root` without slashes at its ends; may be empty (then keys start at the store's root).
  explicit KeyLayout(std::string root);

  const std::string& root() const { return root_; }

  std::string segment(const Namespace& ns, Hour hour, const SegmentName::Origin& origin) const;
  std::string dead_letter(Hour hour, const SegmentName::Origin& origin) const;

  // Reads a key; nullopt for what is no archived file: the ledger, foreign things, names of other endings. A
  // name whose collection part was cut and hashed comes back as it stands in the path.
  std::optional<SegmentName> parse(std::string_view key) const;
  // Ends like a file of records: .jsonl.gz as ours, or .json.gz, .jsonl, .json as other programs write them.
  static bool has_file_ending(std::string_view name);
  // The last part of the key is a name that this program gives.
  static bool has_own_file_name(std::string_view key);

  // The body of an event that is larger than the hub takes; `sha256`: of the body, 64 hex digits, lower case.
  std::string oversize(std::string_view sha256) const { return under_root(oversize_name(sha256)); }
  // The same without the root, as pointers name it: "_oversize/5f/5f70bf18….json".
  static std::string oversize_name(std::string_view sha256);
  // The sha256 that the name of a body says; nullopt for what is none.
  std::optional<std::string> parse_oversize(std::string_view key) const;

  // Prefixes, each ended by '/'.
  std::string archive_prefix() const;  // everything under the root
  std::string database_prefix(const std::string& database) const;
  std::string namespace_prefix(const Namespace& ns) const;
  std::string hour_prefix(const Namespace& ns, Hour hour) const;  // "…/2025/01/15/14-", ended by '-'
  std::string dead_letter_prefix() const;
  std::string oversize_prefix() const;
  std::string ledger_prefix() const;
  std::string partition_chain(PartitionId partition) const;
  std::string seal_chain() const;
  std::string ack_chain() const;
  std::string adopted_chain() const;
  std::string repair_chain() const;
  std::string recoveries_prefix() const;
  std::string recovery_chain(const std::string& recovery_id) const;
  std::string recovery_plan(const std::string& recovery_id) const;

  // A slot's file in a chain's folder: "000000000042.json".
  static std::string slot_name(Slot slot);
  static std::optional<Slot> parse_slot_name(std::string_view name);
  // The partition of a chain folder's name ("p003"), if it is one.
  static std::optional<PartitionId> parse_partition_folder(std::string_view folder);

 private:
  std::string under_root(std::string_view path) const;
  std::string root_;
};

// A database or collection name as one path part: bytes outside [A-Za-z0-9._-] are %XX (upper-case hex), as
// is the first character of names that are "." or ".." or start with '_'. A part over 180 bytes is cut and
// given ".~" and 16 hex digits of its SHA-256 ('~' occurs in no other part).
std::string encode_name(std::string_view name);
// The reverse; nullopt where `part` is not what encode_name writes, or was cut.
std::optional<std::string> decode_name(std::string_view part);

}  // namespace changevault
