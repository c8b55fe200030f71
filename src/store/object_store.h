// Where the archive lives: named objects that are created once and read by ranges. Drivers: file/ (a
// directory), azure/ (Blob storage, ADLS Gen2), memory/.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace changevault {

struct ObjectInfo {
  std::string key;
  std::int64_t bytes = 0;
  Timestamp modified{};
  std::string etag;          // changes whenever the object changes
  std::string md5_hex = {};  // of its bytes, where the store keeps one
  bool offline = false;  // in a tier without access: its bytes must be brought back before they can be read
};

struct ByteRange {
  std::int64_t offset = 0;
  std::int64_t length = 0;
};

struct ListPage {
  std::vector<ObjectInfo> objects;    // in the order of their keys' bytes
  std::vector<std::string> prefixes;  // with a delimiter: the "folders" directly below, each ended by '/'
  std::string next;                   // continuation; empty: this was the last page
};

struct PutOptions {
  std::string_view content_type = "application/octet-stream";
  std::string_view md5_hex = {};     // where known: a driver that can has the other side check it
  std::string_view sha256_hex = {};  // where known: a driver that can stores it with the object, for people
};

// For `check`.
struct StoreTraits {
  std::vector<std::string> facts;     // "hierarchical namespace (ADLS Gen2)"
  std::vector<std::string> warnings;  // "deleted objects are not kept"
  bool keeps_everything = false;      // a policy forbids removal and change: what is written stays
};

enum class PutOutcome { kCreated, kExists };

using EachPiece = std::function<Result<void>(std::string_view)>;

// Thread-safe. Keys are relative paths with '/' between parts; a driver refuses (kUsage) what could leave its
// root. Errors: kNotFound only for a definite "not there"; kUnreachable (retryable or not) for everything the
// outside does.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Creates `key` with exactly these bytes, durably and all at once, or does nothing and says kExists. A kill
  // at any instruction leaves the whole object or none. On an error the object may have been created all the
  // same.
  virtual Result<PutOutcome> put_if_absent(const std::string& key, std::string_view bytes,
                                           const PutOptions& options = {}) = 0;

  // The bytes of `range`, cut at the end of the object; the whole object without a range. With `etag` of that
  // version of the object or none: kCorrupt where it is another one by now.
  virtual Result<std::string> get(const std::string& key, std::optional<ByteRange> range = std::nullopt,
                                  const std::string& etag = {}) = 0;

  // Calls `each` with the bytes of the object from `offset` on, in pieces of any size, in order. An error of
  // `each` ends it and is returned; what came before an error came truly. Versions as for `get`.
  virtual Result<void> read(const std::string& key, std::int64_t offset, const std::string& etag,
                            const EachPiece& each);

  virtual Result<ObjectInfo> head(const std::string& key) = 0;

  // Objects whose key starts with `prefix`, a page at a time. With `delimiter` '/' only those with no further
  // '/' behind the prefix, and the prefixes of the others. `continuation`: `next` of the page before.
  virtual Result<ListPage> list(const std::string& prefix, std::optional<char> delimiter = std::nullopt,
                                const std::string& continuation = {}, std::size_t page_size = 5000) = 0;

  // Gone afterwards, also when it was not there before.
  virtual Result<void> remove(const std::string& key) = 0;

  // The store's own clock, where it has one of its own (a server's Date); nullopt: it is this machine's.
  virtual Result<std::optional<Timestamp>> clock() = 0;

  // What a person setting it up should know of the store itself and what it allows (its kind, protection,
  // tiers), a sentence each; empty where there is nothing to say.
  virtual Result<StoreTraits> traits() { return StoreTraits{}; }

  // As many requests at once as are worth while: more only wait for each other.
  virtual int concurrency() const { return 4; }

  // "file:/data/archive", without secrets.
  virtual std::string url() const = 0;
};

// Calls `each` for every object below `prefix`, page by page.
Result<void> for_each_object(ObjectStore& store, const std::string& prefix,
                             const std::function<Result<void>(const ObjectInfo&)>& each);

}  // namespace changevault
