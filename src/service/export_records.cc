#include "service/export_records.h"

#include "base/hash.h"
#include "codec/gzip_stream.h"

namespace changevault {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;

class Output {
 public:
  Output(const ExportOptions& options, const std::function<Result<void>(std::string_view)>& write)
      : options_(options), write_(write), gzip_(options.gzip_level) {}

  Result<void> add(std::string_view line) {
    text_.append(line);
    text_ += '\n';
    ++report_.records;
    return text_.size() < kPiece ? Result<void>() : flush();
  }

  Result<ExportReport> finish() {
    CV_TRY(flush());
    std::string end;
    if (options_.gzip) gzip_.finish(end);
    CV_TRY(give(end));
    report_.sha256 = hasher_.finish_hex();
    return report_;
  }

 private:
  Result<void> flush() {
    report_.text_bytes += static_cast<std::int64_t>(text_.size());
    if (!options_.gzip) {
      CV_TRY(give(text_));
    } else if (!text_.empty()) {
      std::string block;
      gzip_.add(text_, block);
      CV_TRY(give(block));
    }
    text_.clear();
    return {};
  }
  Result<void> give(std::string_view bytes) {
    if (bytes.empty()) return {};
    hasher_.update(bytes);
    report_.bytes += static_cast<std::int64_t>(bytes.size());
    return write_(bytes);
  }

  const ExportOptions& options_;
  const std::function<Result<void>(std::string_view)>& write_;
  GzipStream gzip_;
  Hasher hasher_{Hasher::Kind::kSha256};
  std::string text_;
  ExportReport report_;
};

}  // namespace

Result<ExportReport> export_records(SegmentFeed& feed, const std::vector<ArchivedFile>& files,
                                    const ExportOptions& options,
                                    const std::function<Result<void>(std::string_view)>& write) {
  Output output(options, write);
  CV_ASSIGN(const ReadTally read, read_records(files, feed, options.reading, [&](std::string_view line) {
              return options.choose ? output.add(options.choose(line)) : output.add(line);
            }));
  CV_ASSIGN(ExportReport report, output.finish());
  report.read = read;
  return report;
}

}  // namespace changevault
