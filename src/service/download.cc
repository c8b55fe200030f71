#include "service/download.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include <sys/stat.h>

#include "archive/segment_feed.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "codec/gzip_format.h"
#include "codec/record_scanner.h"
#include "codec/segment_reader.h"
#include "store/ordered_get.h"

namespace changevault {
namespace {

constexpr Duration kTick = milliseconds(100);
constexpr std::size_t kReadBackBytes = std::size_t{1} << 20;

struct Hashed {
  std::string sha256;
  std::int64_t bytes = 0;
  bool operator==(const Hashed&) const = default;
};

// Reads a local file from its beginning, through a buffer that is used again for the next one.
class LocalReader {
 public:
  Result<void> read(const LocalFile& file, const std::string& path,
                    const std::function<void(std::string_view)>& each) {
    LocalSource source(file, path);
    if (buffer_.empty()) buffer_.resize(kReadBackBytes);
    while (true) {
      CV_ASSIGN(const std::size_t got, source.read(buffer_));
      if (got == 0) return {};
      each({buffer_.data(), got});
    }
  }

  Result<Hashed> hash(const LocalFile& file, const std::string& path) {
    Hasher hasher(Hasher::Kind::kSha256);
    Hashed out;
    CV_TRY(read(file, path, [&](std::string_view piece) {
      hasher.update(piece);
      out.bytes += static_cast<std::int64_t>(piece.size());
    }));
    out.sha256 = hasher.finish_hex();
    return out;
  }

 private:
  std::vector<char> buffer_;
};

// What was written, to be compared with what the disk gives back: against wrong disks, not against people.
struct Sum {
  std::uint32_t crc = 0;
  std::int64_t bytes = 0;
  void add(std::string_view piece) {
    crc = gzip_crc32(crc, piece);
    bytes += static_cast<std::int64_t>(piece.size());
  }
  bool operator==(const Sum&) const = default;
};

// The only proof that an archive without a ledger offers: gzip's own checksums, and that every line is a
// record.
Result<std::int64_t> count_records(const LocalFile& file, const std::string& path, const std::string& key) {
  LocalSource source(file, path);
  SegmentReader reader(source, text_form_of(key));
  RecordScanner scanner;
  std::int64_t records = 0;
  const auto placed = [&](Error error) {
    if (error.object.empty()) error.object = key;
    return error;
  };
  while (true) {
    Result<std::string_view> text = reader.next();
    if (!text) return placed(std::move(text).error());
    if (text->empty()) return records;
    const Result<void> scanned = for_each_line(*text, [&](std::string_view found) -> Result<void> {
      const std::string_view line = plain_line(found);
      if (line.empty()) return {};
      ++records;
      const Result<RecordView> record = scanner.scan_loosely(line);
      if (record) return {};
      Error error = record.error();
      error.message += ", line " + std::to_string(records);
      return placed(std::move(error));
    });
    if (!scanned) return scanned.error();
  }
}

class Worker {
 public:
  Worker(ObjectStore& store, Random& random, const TargetFolder& target, const DownloadOptions& options,
         std::atomic<std::int64_t>& fetched)
      : store_(store), random_(random), target_(target), options_(options), fetched_(fetched) {}

  DownloadedFile run(const DownloadRequest& request) {
    DownloadedFile done;
    done.key = request.file.segment.key;
    done.path = target_.describe(request.path);
    done.checked = !request.file.segment.sha256.empty() ? "sha256"
                   : request.file.md5.empty()           ? "gzip and records"
                                                        : "MD5, gzip and records";
    const Result<void> result = options_.stop.stop_requested()
                                    ? Result<void>(Error(ErrorCode::kCancelled, "stopped", done.key))
                                    : bring(request, done);
    if (result) return done;
    done.outcome = DownloadedFile::Outcome::kFailed;
    done.error = told(result.error(), request.file);
    return done;
  }

 private:
  Result<void> bring(const DownloadRequest& request, DownloadedFile& done) {
    CV_ASSIGN(const std::optional<LocalFile> standing, target_.existing(request.path));
    if (standing) {
      CV_ASSIGN(const bool same, is_same(*standing, request, done));
      if (same) {
        done.outcome = DownloadedFile::Outcome::kAlreadyThere;
        return {};
      }
      if (!options_.overwrite) {
        return Error(ErrorCode::kAlreadyExists, "another file stands there already", done.path,
                     "choose another place, or replace it with --overwrite");
      }
    }
    CV_ASSIGN(NewFile file, target_.create(request.path, random_.nonce()));
    CV_ASSIGN(const Sent sent, fill(file, request.file));
    CV_TRY(prove(file, request.file, sent, done));
    CV_TRY(file.place(options_.overwrite));
    done.outcome = DownloadedFile::Outcome::kWritten;
    return {};
  }

  Result<void> fetch(const ArchivedFile& file, const EachPiece& each) {
    const auto take = [&](std::string_view piece) {
      fetched_ += static_cast<std::int64_t>(piece.size());
      return each(piece);
    };
    OrderedGet wanted;
    wanted.at_once = options_.ranges_at_once;
    wanted.bytes = file.bytes;
    wanted.stop = options_.stop;
    return get_in_order(store_, file.segment.key, wanted, take);
  }

  // Equal to what the ledger says; without a ledger, to what the store holds.
  Result<bool> is_same(const LocalFile& standing, const DownloadRequest& request, DownloadedFile& done) {
    const SegmentRef& segment = request.file.segment;
    struct stat facts{};
    if (::fstat(standing.get(), &facts) != 0 || facts.st_size != request.file.bytes) return false;
    CV_ASSIGN(const Hashed there, reader_.hash(standing, done.path));
    done.bytes = there.bytes;
    done.records = segment.records;
    if (!segment.sha256.empty()) return there == Hashed{segment.sha256, request.file.bytes};
    Hasher hasher(Hasher::Kind::kSha256);
    CV_TRY(fetch(request.file, [&](std::string_view piece) -> Result<void> {
      hasher.update(piece);
      return {};
    }));
    if (hasher.finish_hex() != there.sha256) return false;
    CV_ASSIGN(done.records, count_records(standing, done.path, segment.key));
    return true;
  }

  struct Sent {
    Hashed hashed;
    Sum sum;
    std::string md5;  // only where the store's is all there is to compare with
  };
  Result<Sent> fill(NewFile& file, const ArchivedFile& from) {
    Hasher sha256(Hasher::Kind::kSha256);
    Hasher md5(Hasher::Kind::kMd5);
    const bool by_md5 = from.segment.sha256.empty() && !from.md5.empty();
    Sent sent;
    CV_TRY(fetch(from, [&](std::string_view piece) {
      sha256.update(piece);
      if (by_md5) md5.update(piece);
      sent.sum.add(piece);
      return file.write(piece);
    }));
    CV_TRY(file.sync());
    sent.hashed = {sha256.finish_hex(), sent.sum.bytes};
    if (by_md5) sent.md5 = md5.finish_hex();
    return sent;
  }

  // First what the store sent against the ledger, then what the disk gives back against what the store sent:
  // they are different troubles.
  Result<void> prove(const NewFile& file, const ArchivedFile& from, const Sent& sent, DownloadedFile& done) {
    const SegmentRef& segment = from.segment;
    CV_TRY(compare(from, sent));
    Sum given_back;
    CV_TRY(reader_.read(file.file(), file.path(), [&](std::string_view piece) { given_back.add(piece); }));
    if (given_back != sent.sum) {
      return Error(ErrorCode::kUnreachable, "the disk gives back other bytes than were written", file.path(),
                   "check the disk; the file was not kept");
    }
    done.bytes = sent.sum.bytes;
    done.records = segment.records;
    if (segment.sha256.empty()) {
      CV_ASSIGN(done.records, count_records(file.file(), file.path(), segment.key));
    }
    return {};
  }

  static Result<void> compare(const ArchivedFile& from, const Sent& sent) {
    const std::string& sha256 = from.segment.sha256;
    std::string wrong;
    if (sent.sum.bytes != from.bytes) {
      wrong =
          "the object has " + std::to_string(sent.sum.bytes) + " bytes, not " + std::to_string(from.bytes);
    } else if (!sha256.empty() && sent.hashed.sha256 != sha256) {
      wrong = "the object's sha256 is not what the ledger says";
    } else if (!sent.md5.empty() && sent.md5 != from.md5) {
      wrong = "the object's MD5 is not the one that the store keeps of it";
    } else {
      return {};
    }
    return Error(ErrorCode::kCorrupt, wrong, from.segment.key,
                 "'changevault verify' names all that is damaged");
  }

  static Error told(Error error, const ArchivedFile& file) {
    if (error.code == ErrorCode::kNotFound && !file.segment.sha256.empty()) {
      return Error(ErrorCode::kCorrupt, "a segment that the ledger lists is gone", file.segment.key,
                   "'changevault verify' names all that is damaged");
    }
    return error;
  }

  ObjectStore& store_;
  Random& random_;
  const TargetFolder& target_;
  const DownloadOptions& options_;
  std::atomic<std::int64_t>& fetched_;
  LocalReader reader_;
};

// Results in the order of the requests, whoever is done first.
class Board {
 public:
  explicit Board(std::size_t size) : done_(size) {}
  void put(std::size_t at, DownloadedFile file) {
    const MutexLock lock(mutex_);
    done_[at] = std::move(file);
    changed_.notify_one();
  }
  // `while_waiting` is called now and then.
  DownloadedFile take(std::size_t at, const std::function<void()>& while_waiting) {
    MutexLock lock(mutex_);
    while (!done_[at]) {
      changed_.wait_for(mutex_, kTick);
      if (done_[at]) break;
      lock.unlock();
      while_waiting();
      lock.lock();
    }
    DownloadedFile file = std::move(*done_[at]);
    done_[at].reset();
    return file;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::optional<DownloadedFile>> done_ CV_GUARDED_BY(mutex_);
};

}  // namespace

const char* name(DownloadedFile::Outcome outcome) {
  switch (outcome) {
    case DownloadedFile::Outcome::kWritten:
      return "written";
    case DownloadedFile::Outcome::kAlreadyThere:
      return "already_there";
    case DownloadedFile::Outcome::kFailed:
      return "failed";
  }
  return "failed";
}

Result<void> download(ObjectStore& store, Random& random, const TargetFolder& target,
                      const std::vector<DownloadRequest>& requests, const DownloadOptions& options,
                      const std::function<void(const DownloadedFile&)>& each) {
  Board board(requests.size());
  std::atomic<std::size_t> next{0};
  std::atomic<std::int64_t> fetched{0};
  std::vector<std::jthread> threads;
  const auto count = std::min(requests.size(), static_cast<std::size_t>(std::max(1, options.parallel)));
  for (std::size_t i = 0; i < count; ++i) {
    threads.emplace_back([&] {
      Worker worker(store, random, target, options, fetched);
      for (std::size_t at = next++; at < requests.size(); at = next++)
        board.put(at, worker.run(requests[at]));
    });
  }
  for (std::size_t at = 0; at < requests.size(); ++at) {
    const DownloadedFile done = board.take(at, [&] {
      if (options.on_progress) options.on_progress(fetched);
    });
    if (!options.stop.stop_requested()) each(done);
  }
  if (options.stop.stop_requested()) return Error(ErrorCode::kCancelled, "stopped");
  return {};
}

}  // namespace changevault
