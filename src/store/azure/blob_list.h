// The XML of List Blobs as values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace changevault::azure {

struct ListedBlob {
  std::string name;
  std::int64_t bytes = 0;
  Timestamp modified{};
  std::string etag;
  std::string md5_hex;
  bool folder = false;    // the stub of a directory of a hierarchical account
  std::string tier;       // "Hot", "Cool", "Cold", "Archive"
  bool archived = false;  // in the archive tier, or on its way back from it
};

struct BlobList {
  std::vector<ListedBlob> blobs;
  std::vector<std::string> prefixes;
  std::string marker;  // of the next page; empty: this was the last
};

// An ETag without its quotation marks: headers have them, lists do not.
std::string plain_etag(std::string_view text);

// kUnreachable where the text is no such list: a proxy's page, an answer cut short.
Result<BlobList> parse_blob_list(const std::string& xml);

}  // namespace changevault::azure
