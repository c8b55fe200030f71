#include "archive/uploads.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/first_error.h"

namespace changevault {
namespace {

Result<void> put_once(ObjectStore& store, const Upload& upload) {
  const FinishedSegment& finished = *upload.finished;
  CV_ASSIGN(const PutOutcome outcome,
            store.put_if_absent(upload.key, finished.bytes,
                                {"application/gzip", finished.facts.md5, finished.facts.sha256}));
  if (outcome == PutOutcome::kCreated) return {};
  CV_ASSIGN(const std::string standing, store.get(upload.key));
  if (standing == finished.bytes) return {};
  return Error(ErrorCode::kCorrupt, "an object of this name stands there already with other bytes",
               upload.key, "nobody else may write below the archive's root; nothing was overwritten");
}

class UploadQueue {
 public:
  UploadQueue(ArchiveContext& context, const std::vector<Upload>& uploads)
      : context_(context), uploads_(uploads) {}

  // Takes uploads until none is left or one has failed.
  void work() {
    const Archiver::Parts& parts = context_.parts;
    for (std::size_t i = next_++; i < uploads_.size() && !failed_; i = next_++) {
      const auto done = retry(context_.retry, parts.clock, parts.random, context_.stop,
                              [&] { return put_once(parts.store, uploads_[i]); });
      if (done) continue;
      failed_ = true;
      error_.put(done.error());
    }
  }

  Result<void> result() const { return error_.result(); }

 private:
  ArchiveContext& context_;
  const std::vector<Upload>& uploads_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> failed_{false};
  FirstError error_;
};

}  // namespace

Result<void> upload_all(ArchiveContext& context, const std::vector<Upload>& uploads) {
  UploadQueue queue(context, uploads);
  const auto wanted = static_cast<std::size_t>(std::max(1, context.options.upload_threads));
  {
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < std::min(wanted, uploads.size()); ++i)
      helpers.emplace_back([&] { queue.work(); });
    queue.work();
  }
  return queue.result();
}

}  // namespace changevault
