#include "store/azure/blob_list.h"

#include <charconv>
#include <cstring>
#include <optional>

#include <pugixml.hpp>

#include "base/hash.h"
#include "net/http.h"
#include "net/url_text.h"

namespace changevault::azure {
namespace {

// Names keep their white space, that at their ends and of nothing else included.
constexpr unsigned kParse = pugi::parse_escapes | pugi::parse_ws_pcdata | pugi::parse_cdata;

Error no_list(const std::string& why) {
  return Error(ErrorCode::kUnreachable, "the store's listing cannot be read: " + why, {}, {}, true);
}

// A name with characters that XML cannot hold comes percent-encoded.
Result<std::string> name_of(const pugi::xml_node& item) {
  const pugi::xml_node name = item.child("Name");
  if (!name) return no_list("an item has no name");
  std::string text = name.text().get();
  if (std::strcmp(name.attribute("Encoded").as_string(), "true") != 0) return text;
  auto plain = percent_decode(text);
  if (!plain) return no_list("a name is not percent-encoded as it says");
  return *plain;
}

Result<ListedBlob> blob_of(const pugi::xml_node& item) {
  ListedBlob blob;
  CV_ASSIGN(blob.name, name_of(item));
  const pugi::xml_node properties = item.child("Properties");
  const std::string length = properties.child("Content-Length").text().get();
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), blob.bytes);
  if (error != std::errc() || end != length.data() + length.size()) return no_list("a blob has no length");
  blob.modified = parse_http_date(properties.child("Last-Modified").text().get()).value_or(Timestamp{});
  blob.etag = plain_etag(properties.child("Etag").text().get());
  if (const auto md5 = from_base64(properties.child("Content-MD5").text().get())) blob.md5_hex = to_hex(*md5);
  blob.tier = properties.child("AccessTier").text().get();
  blob.archived = blob.tier == "Archive";
  const std::string kind = properties.child("ResourceType").text().get();
  const std::string stub = item.child("Metadata").child("hdi_isfolder").text().get();
  blob.folder = kind == "directory" || stub == "true";
  return blob;
}

}  // namespace

std::string plain_etag(std::string_view text) {
  std::string out(text);
  std::erase(out, '"');
  return out;
}

Result<BlobList> parse_blob_list(const std::string& xml) {
  pugi::xml_document document;
  const pugi::xml_parse_result parsed =
      document.load_buffer(xml.data(), xml.size(), kParse, pugi::encoding_utf8);
  if (!parsed) return no_list(parsed.description());
  const pugi::xml_node list = document.child("EnumerationResults");
  if (!list || !list.child("Blobs")) return no_list("it is no list of blobs");
  BlobList out;
  for (const pugi::xml_node& item : list.child("Blobs").children()) {
    if (std::strcmp(item.name(), "Blob") == 0) {
      CV_ASSIGN(ListedBlob blob, blob_of(item));
      out.blobs.push_back(std::move(blob));
    } else if (std::strcmp(item.name(), "BlobPrefix") == 0) {
      CV_ASSIGN(std::string prefix, name_of(item));
      out.prefixes.push_back(std::move(prefix));
    }
  }
  out.marker = list.child("NextMarker").text().get();
  return out;
}

}  // namespace changevault::azure
