// What a verb works with.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "archive/catalog.h"
#include "cli/output.h"
#include "service/configuration.h"
#include "service/known_archive.h"
#include "service/parts.h"
#include "service/record_reading.h"

namespace changevault {

// Who runs the program and where; for audit records and ledger owners.
struct Identity {
  std::string user;
  std::string host;
  std::int64_t process = 0;
  std::string version;  // of the program
  std::string owner() const { return host + ":" + std::to_string(process); }
};

struct Context {
  const Configuration& configuration;
  Parts& parts;  // hub(), store(), warehouse(), layout(), clock(), random()
  Output& out;
  const Identity& identity;
  std::stop_token stop;
  // A line of stdin without its end; nullopt at its end.
  std::function<std::optional<std::string>()> read_line;
  // `--set` flags as they were given (for `init`, which writes them down).
  std::vector<std::string> flags;

  // The ledger, read now; damage is told on stderr. An archive that does not exist is kIndeterminate with a
  // hint.
  Result<Catalog> catalog();
  // The same of the scope (service/read_catalog.h, read_catalog_of), or of an archive without a ledger what
  // the files of the scope hold, each read whole; `without_ledger` says which.
  struct FoundCatalog {
    Catalog catalog;
    bool without_ledger = false;
  };
  Result<FoundCatalog> catalog_of(const Scope& scope);
  // What is known hour by hour: much quicker where nothing is asked of single segments. Of an archive without
  // a ledger the files of the scope are read, as far as that is not remembered.
  Result<KnownArchive> known_archive(const Scope& scope);
  // Files whose records are to be read (service/known_archive.h, files_with_records). A reading with a limit
  // is a look: of an archive without a ledger it goes by the folders alone.
  Result<ArchivedFiles> files_to_read(const Scope& scope, const ReadingOptions& reading);
  // Asks on the terminal; false where stdin or stderr is none, or for anything but y or yes.
  bool confirm(const std::string& question);
};

}  // namespace changevault
