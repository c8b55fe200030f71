// A store, and beside it files of this machine that people name: read through the same door.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "store/object_store.h"

namespace changevault {

// "file:///home/ada/fixed.jsonl": the key of a local file. No object of a store can have it: it has empty
// parts.
std::string local_file_key(const std::filesystem::path& path);
// The path of such a key; nullopt for an object's.
std::optional<std::string> local_path_of(const std::string& key);

// Keys of local files are read from the disk, and can be neither written nor removed (kUsage); everything
// else is the store's. `inner` outlives it. Thread-safe as `inner` is.
class StoreWithFiles final : public ObjectStore {
 public:
  explicit StoreWithFiles(ObjectStore& inner) : inner_(inner) {}

  Result<PutOutcome> put_if_absent(const std::string& key, std::string_view bytes,
                                   const PutOptions& options = {}) override;
  Result<std::string> get(const std::string& key, std::optional<ByteRange> range = std::nullopt,
                          const std::string& etag = {}) override;
  Result<ObjectInfo> head(const std::string& key) override;
  Result<ListPage> list(const std::string& prefix, std::optional<char> delimiter = std::nullopt,
                        const std::string& continuation = {}, std::size_t page_size = 5000) override;
  Result<void> remove(const std::string& key) override;
  Result<std::optional<Timestamp>> clock() override { return inner_.clock(); }
  Result<StoreTraits> traits() override { return inner_.traits(); }
  int concurrency() const override { return inner_.concurrency(); }
  std::string url() const override { return inner_.url(); }

 private:
  ObjectStore& inner_;
};

}  // namespace changevault
