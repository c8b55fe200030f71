#include "service/put_records.h"

#include <filesystem>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "service/mapped_file.h"
#include "service/target_folder.h"
#include "store/object_source.h"
#include "store/store_with_files.h"

namespace changevault {
namespace {

// A loader unpacks by the name.
Result<void> check_name(const RecordFile& file, const std::string& key) {
  const bool gzip = file.gzip_members > 0;
  if (key.ends_with(".gz") == gzip) return {};
  return Error(ErrorCode::kValidation,
               gzip ? "the file is gzip, but its name in the store would not say so"
                    : "the file is plain text, but its name in the store would say gzip",
               key,
               gzip ? "name it with .gz at its end: changevault put FILE " + key + ".gz"
                    : "name it without .gz: changevault put FILE " + key.substr(0, key.size() - 3));
}

struct Hashes {
  std::string sha256;
  std::string md5;
};

// A copy that nobody else can change while it is uploaded.
Result<Hashes> copy(ObjectStore& files, const std::string& local, NewFile& into, std::stop_token stop) {
  Hasher sha256(Hasher::Kind::kSha256);
  Hasher md5(Hasher::Kind::kMd5);
  ObjectSource source(files, local);
  std::vector<char> piece(std::size_t{1} << 20);
  while (true) {
    if (stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped while reading", local);
    CV_ASSIGN(const std::size_t got, source.read(piece));
    if (got == 0) return Hashes{sha256.finish_hex(), md5.finish_hex()};
    const std::string_view bytes(piece.data(), got);
    sha256.update(bytes);
    md5.update(bytes);
    CV_TRY(into.write(bytes));
  }
}

Result<std::string> sha256_in_store(ObjectStore& store, const std::string& key) {
  Hasher hasher(Hasher::Kind::kSha256);
  CV_TRY(store.read(key, 0, {}, [&](std::string_view piece) -> Result<void> {
    hasher.update(piece);
    return {};
  }));
  return hasher.finish_hex();
}

}  // namespace

Result<PutReport> put_records(ObjectStore& store, const std::string& path, const std::string& key,
                              const std::string& source_id, Random& random, std::stop_token stop) {
  StoreWithFiles files(store);
  const std::string local = local_file_key(path);
  PutReport report;
  report.key = key;
  const Scope everything;
  CV_ASSIGN(report.file, inspect_record_file(files, local, everything, source_id, stop));
  CV_TRY(check_name(report.file, key));
  CV_ASSIGN(const TargetFolder folder, TargetFolder::open(std::filesystem::temp_directory_path()));
  CV_ASSIGN(NewFile held, folder.create("changevault-put", random.nonce()));
  CV_ASSIGN(const Hashes hashes, copy(files, local, held, stop));
  if (hashes.sha256 != report.file.sha256)
    return Error(ErrorCode::kValidation, "the file changed while it was read; nothing was uploaded", path,
                 "wait until whoever writes it has ended");
  CV_ASSIGN(const MappedFile mapped, MappedFile::of(held.file(), held.path()));
  const char* const type = report.file.gzip_members > 0 ? "application/gzip" : "application/x-ndjson";
  CV_ASSIGN(const PutOutcome outcome,
            store.put_if_absent(key, mapped.bytes(), {type, hashes.md5, hashes.sha256}));
  report.file.key = key;
  report.stood_already = outcome == PutOutcome::kExists;
  CV_ASSIGN(const std::string standing, sha256_in_store(store, key));
  if (standing == hashes.sha256) return report;
  if (report.stood_already)
    return Error(ErrorCode::kAlreadyExists, "other bytes stand there already; nothing was overwritten", key,
                 "choose another KEY; objects in the store are never replaced");
  return Error(ErrorCode::kCorrupt,
               "the store gives back other bytes than it was given (sha256 " + standing + ", not " +
                   hashes.sha256 + ")",
               key, "do not use this object; look at the store, then upload under another KEY");
}

}  // namespace changevault
