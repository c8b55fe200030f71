#include "capture/file_publisher.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "capture/import_merge.h"
#include "capture/line_reader.h"
#include "codec/document_key.h"

namespace changevault {
namespace {

// How far back an imported time may go without a word: clocks of one cluster's members differ, and files
// overlap a little.
constexpr Duration kLateTolerance = seconds(60);

// Collects messages into batches and counts what the hub has accepted.
class BatchSender {
 public:
  BatchSender(OversizeProducer producer, const PublishOptions& options,
              const std::function<void(const PublishTotals&)>& progress)
      : producer_(std::move(producer)),
        largest_whole_(producer_.largest_whole()),
        options_(options),
        progress_(progress) {}

  // `where`: names the event, asked only for an error.
  Result<void> add(std::string_view payload, std::optional<Timestamp> time,
                   const std::function<std::string()>& where) {
    if (payload.size() > largest_whole_) return add_oversize(payload, time, where);
    bytes_ += payload.size();
    batch_.push_back({partition_key(payload), std::string(payload), time});
    if (batch_.size() < options_.batch_events && bytes_ < options_.batch_bytes) return {};
    return send();
  }

  Result<void> send() {
    if (batch_.empty()) return {};
    const std::size_t events = batch_.size();
    CV_TRY(producer_.append(std::exchange(batch_, {})));
    totals.events += static_cast<std::int64_t>(events);
    totals.bytes += static_cast<std::int64_t>(std::exchange(bytes_, 0));
    totals.oversize = producer_.oversize();
    if (progress_) progress_(totals);
    return {};
  }

  PublishTotals totals;

 private:
  // By itself, behind what came before: an error is this event's alone.
  Result<void> add_oversize(std::string_view payload, std::optional<Timestamp> time,
                            const std::function<std::string()>& where) {
    CV_TRY(send());
    bytes_ = payload.size();
    batch_.push_back({partition_key(payload), std::string(payload), time});
    Result<void> sent = send();
    if (sent) return sent;
    bytes_ = 0;
    Error error = std::move(sent).error();
    error.message = fmt::format("{}, with {} bytes, is larger than the {} that the hub takes: {}", where(),
                                payload.size(), largest_whole_, error.message);
    return error;
  }

  OversizeProducer producer_;
  const std::size_t largest_whole_;
  const PublishOptions& options_;
  const std::function<void(const PublishTotals&)>& progress_;
  std::vector<Message> batch_;
  std::size_t bytes_ = 0;
};

Result<void> send_file(const std::string& path, BatchSender& sender, const std::stop_token& stop) {
  CV_ASSIGN(const auto lines, LineReader::open(path, stop));
  while (!stop.stop_requested()) {
    // Who follows a pipe wants its events in the hub now, not when a batch is full.
    if (lines->would_wait()) CV_TRY(sender.send());
    CV_ASSIGN(const auto line, lines->next());
    if (!line) return {};
    if (line->empty()) {
      ++sender.totals.empty_lines;
    } else {
      CV_TRY(sender.add(*line, std::nullopt,
                        [&] { return "line " + std::to_string(lines->line()) + " of " + lines->object(); }));
    }
  }
  return Error(ErrorCode::kCancelled, "stopped", path);
}

Result<void> send_files(const std::vector<std::string>& paths, BatchSender& sender,
                        const std::stop_token& stop) {
  for (const std::string& path : paths) CV_TRY(send_file(path, sender, stop));
  return {};
}

Error late_event(const ImportedEvent& event, Timestamp reached) {
  return Error(ErrorCode::kUsage,
               "time goes back by more than " + to_string(kLateTolerance) + ": " + event.where + " is of " +
                   to_rfc3339(event.time) + ", the hub is at " + to_rfc3339(reached),
               {},
               "publish all files of a time range in one command; --allow-late sends late events too, they "
               "are then archived "
               "under the hour the hub has reached");
}

Result<void> import_files(const std::vector<std::string>& paths, std::optional<Timestamp> newest,
                          const PublishOptions& options, Clock& clock, BatchSender& sender,
                          const std::stop_token& stop) {
  CV_ASSIGN(ImportMerge merge, ImportMerge::open(paths, stop));
  while (!stop.stop_requested()) {
    CV_ASSIGN(const auto event, merge.next());
    sender.totals.empty_lines = merge.empty_lines();
    if (!event) return {};
    // No hub holds a time that is still to come; an event that claims one must not make all others late.
    const Timestamp time = std::min(event->time, clock.now());
    if (newest && newest->ms - time.ms > kLateTolerance.ms) {
      if (!options.allow_late) return late_event(*event, *newest);
      ++sender.totals.late;
    }
    if (!event->own_time) ++sender.totals.without_time;
    newest = std::max(newest.value_or(time), time);
    CV_TRY(sender.add(event->payload, time, [&] { return event->where; }));
  }
  return Error(ErrorCode::kCancelled, "stopped");
}

Result<void> publish_all(Hub& hub, const std::vector<std::string>& paths, const PublishOptions& options,
                         Clock& clock, BatchSender& sender, const std::stop_token& stop) {
  if (!options.time_from_cluster_time) return send_files(paths, sender, stop);
  CV_ASSIGN(const HubClock hub_clock, hub.clock());
  return import_files(paths, hub_clock.newest, options, clock, sender, stop);
}

}  // namespace

Result<PublishTotals> publish_files(Hub& hub, const std::vector<std::string>& paths,
                                    const PublishOptions& options, Clock& clock,
                                    const std::function<void(const PublishTotals&)>& progress,
                                    std::stop_token stop) {
  if (options.time_from_cluster_time && !hub.can_import()) {
    return Error(ErrorCode::kUsage, "this hub gives events its own times and takes none", hub.url(),
                 "publish without --time-from, or import into an embedded hub (sqlite:)");
  }
  CV_ASSIGN(auto producer, hub.producer());
  BatchSender sender(OversizeProducer(std::move(producer), options.oversize), options, progress);
  Result<void> read = publish_all(hub, paths, options, clock, sender, stop);
  // What was read before an input failed or the stop came is sent: a pipe gives it only once. After an error
  // of the hub nothing is left in the batch.
  Result<void> sent = sender.send();
  if (read.has_value() && sent.has_value()) return sender.totals;
  Error error = read.has_value() ? std::move(sent).error() : std::move(read).error();
  error.message += " (" + std::to_string(sender.totals.events) + " events were sent before)";
  return error;
}

}  // namespace changevault
