// The archive in a container of Azure Blob storage or ADLS Gen2 (docs/azure.md): `azure:`, `abfss:` and
// `https:` in the configuration.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/random.h"
#include "store/azure/blob_client.h"
#include "store/object_store.h"

namespace changevault {

struct AzureStoreOptions {
  // Larger objects are sent as blocks, several at once, and then committed together.
  std::int64_t largest_put = std::int64_t{256} << 20;
  std::int64_t block_bytes = std::int64_t{16} << 20;
  int parallel_blocks = 4;
};

// Over the Blob REST API alone, which works on flat and hierarchical accounts alike; of one, only blobs are
// shown, not its directories. Every object is created with its hash, type and condition in the same request:
// nothing is appended, renamed or changed afterwards, so containers with immutability policies work. Requests
// are not tried again here (RetryingStore does that).
//
// A blob's MD5 is checked by the service when it is stored, and here when it is read as a whole.
class AzureStore final : public ObjectStore {
 public:
  using Options = AzureStoreOptions;

  // No request is made. Everything outlives it.
  AzureStore(azure::BlobPlace place, HttpClient& http, azure::TokenSource* tokens, Clock& clock,
             Random& random, Options options = {});

  // Makes the container where it is missing.
  Result<void> create_container();

  Result<PutOutcome> put_if_absent(const std::string& key, std::string_view bytes,
                                   const PutOptions& options = {}) override;
  Result<std::string> get(const std::string& key, std::optional<ByteRange> range = std::nullopt,
                          const std::string& etag = {}) override;
  // One request, however large the object is.
  Result<void> read(const std::string& key, std::int64_t offset, const std::string& etag,
                    const EachPiece& each) override;
  Result<ObjectInfo> head(const std::string& key) override;
  Result<ListPage> list(const std::string& prefix, std::optional<char> delimiter = std::nullopt,
                        const std::string& continuation = {}, std::size_t page_size = 5000) override;
  Result<void> remove(const std::string& key) override;
  Result<std::optional<Timestamp>> clock() override;
  Result<StoreTraits> traits() override;
  int concurrency() const override { return 16; }
  std::string url() const override { return client_.place().shown(); }

 private:
  Result<void> put_blocks(const std::string& key, std::string_view bytes, std::vector<std::string>& ids);
  Result<HttpResponse> commit_blocks(const std::string& key, const std::vector<std::string>& ids,
                                     std::vector<HttpHeader> headers, std::string_view md5_base64);
  Result<PutOutcome> outcome_of(const HttpResponse& response, const std::string& key);
  Result<std::string> get_range(const std::string& key, ByteRange range, const std::string& etag);
  Result<ListPage> list_page(const std::string& prefix, bool folders, const std::string& marker,
                             std::size_t page_size);

  azure::BlobClient client_;
  Random& random_;
  Options options_;
};

}  // namespace changevault
