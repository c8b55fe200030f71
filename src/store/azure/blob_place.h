// Where a container is and by what right we may use it: from store.url, connection strings and the
// environment.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace changevault::azure {

struct BlobPlace {
  std::string account;
  std::string
      endpoint;  // "https://ACCOUNT.blob.core.windows.net" or "http://127.0.0.1:10000/devstoreaccount1"
  std::string secondary;  // of a read-access geo-redundant account, where configured; for reads only
  std::string container;
  std::string prefix;  // of every key, ended by '/'; or empty

  // At most one of them is set; none: by a token of Entra.
  std::string account_key;  // decoded; a secret
  std::string sas;          // a query without '?'; a secret

  std::string note;  // a credential that is there and was not used, and why; for messages

  // "azure://ACCOUNT/CONTAINER/prefix", without secrets.
  std::string shown() const;
};

// Reads `url`, in one of these forms:
//
//   azure://ACCOUNT/CONTAINER[/prefix]
//   abfss://CONTAINER@ACCOUNT.dfs.core.windows.net[/prefix]           (as Spark and Hadoop write it; abfs
//   too) https://ACCOUNT.blob.core.windows.net/CONTAINER[/prefix][?SAS]    (http and path style on loopback:
//   emulators) a connection string with Container=NAME and, if wanted, Prefix=PATH
//
// What the URL does not say comes from, in this order: `secret` (the text of a file: a connection string, a
// SAS or an account key), AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN; each
// only where it is of the same account. AZURE_STORAGE_AUTH_MODE=login passes over all but the URL and the
// file. kUsage says what is wrong and never repeats a secret.
Result<BlobPlace> find_blob_place(const std::string& url,
                                  const std::map<std::string, std::string>& environment,
                                  const std::string& secret = {}, bool beside = false);

// "Name=value;…" as pairs, names in lower case; a value may hold '='. kUsage for anything else.
using ConnectionString = std::map<std::string, std::string>;
Result<ConnectionString> parse_connection_string(const std::string& text);

// Whether a text is meant as one: it holds AccountName=, BlobEndpoint= or UseDevelopmentStorage=, in any
// case.
bool is_connection_string(const std::string& text);

}  // namespace changevault::azure
