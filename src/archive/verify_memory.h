// What was verified before: which objects of an archive were read whole and found right, and when
// (docs/formats/verify-memory.md). A file of one machine: it saves work and proves nothing to anybody else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "model/segment_facts.h"
#include "store/object_store.h"

namespace changevault {

struct RememberedObject {
  std::int64_t bytes = 0;
  std::string etag;     // of the store, taken before the object was read
  std::string sha256;   // of the ledger, which the bytes had
  std::string listing;  // fingerprint of all that the ledger said of it
  Timestamp checked{};
  bool operator==(const RememberedObject&) const = default;
};

// Not thread-safe.
class VerifyMemory {
 public:
  // `archive`: by what an archive is known again; empty: of none yet.
  explicit VerifyMemory(std::string archive = {}) : archive_(std::move(archive)) {}

  // kCorrupt for bytes that are not what their checksum says; kUsage for a newer format.
  static Result<VerifyMemory> decode(std::string_view text, const std::string& object);
  std::string encode() const;

  const std::string& archive() const { return archive_; }
  std::size_t size() const { return objects_.size(); }

  // The object, if it was found right and neither it nor what the ledger says of it has changed since.
  const RememberedObject* find(const ObjectInfo& object, const SegmentFacts& listed,
                               const std::string& origin) const;
  void remember(const ObjectInfo& object, const SegmentFacts& listed, const std::string& origin,
                Timestamp now);
  void forget(const std::string& key) { objects_.erase(key); }

  bool operator==(const VerifyMemory&) const = default;

 private:
  std::string archive_;
  std::map<std::string, RememberedObject, std::less<>> objects_;
};

// nullopt where there is no such file. The errors of decode, and kUsage where it cannot be read.
Result<std::optional<VerifyMemory>> read_verify_memory(const std::filesystem::path& file);
// Replaces the file, all at once.
Result<void> write_verify_memory(const VerifyMemory& memory, const std::filesystem::path& file);

}  // namespace changevault
