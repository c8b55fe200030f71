// Hub to archive: the daemon behind `archive`.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "codec/segment_writer.h"
#include "hub/hub.h"
#include "store/key_layout.h"
#include "store/object_store.h"

namespace changevault {

struct ArchiverOptions {
  std::string group;
  std::string source_id = "default";
  std::string owner;  // "host:pid", for the ledger
  Duration flush_interval = seconds(60);
  std::int64_t segment_bytes = std::int64_t{128} << 20;  // compressed, at most
  std::int64_t memory = std::int64_t{256} << 20;         // held by open segments, all partitions together
  int upload_threads = 8;                                // at once, for the segments of one flush
  SegmentOptions segment;
  // The operator's words. What the hub deleted before it was archived is listed as lost, and the archive goes
  // on:
  bool accept_loss = false;
  // The hub took the place of the one that was archived: the archive goes on with its oldest event.
  bool new_epoch = false;
};

struct ArchiveTotals {
  std::int64_t events = 0;
  std::int64_t records = 0;
  std::int64_t dead_letters = 0;
  std::int64_t segments = 0;  // dead-letter objects included
  std::int64_t bytes = 0;     // compressed
  std::int64_t commits = 0;
  std::int64_t sealed_hours = 0;
  std::int64_t lost = 0;  // events that the hub had deleted, listed as such
};

enum class ArchiveMode {
  kFollow,        // until `stop`
  kOnce,          // until the end of the hub
  kOnceAndClose,  // and the watermark then moves to the end of the newest event's hour
};

// References outlive the archiver. `run` once.
class Archiver {
 public:
  struct Parts {
    Hub& hub;
    ObjectStore& store;
    const KeyLayout& layout;
    Clock& clock;
    Random& random;
  };
  Archiver(Parts parts, ArchiverOptions options);
  ~Archiver();

  // Called (on the run's thread) after each commit with the totals so far.
  void on_progress(std::function<void(const ArchiveTotals&)> progress);
  // Called (on the run's thread) with what a person should know while it runs: who is waited for, who has
  // taken over.
  void on_notice(std::function<void(const std::string&)> notice);

  // Archives the partitions that the group gives us until the mode's end or until `stop`, then flushes,
  // commits and returns. kOnce ends when everything that the hub held at its start is archived, by us or by
  // other members of the group. A partition that another owner writes to is left to it: where nothing new
  // comes from there for two flush intervals, it is claimed again. One whose ledger is damaged is left alone
  // and looked at now and then; a run that ends by itself says so at its end: kCorrupt. Errors: kUnreachable,
  // kCorrupt (the chain of seals is damaged), kValidation (another hub, or it has deleted what is not
  // archived), kUsage (no `init` yet, another group), kFenced (the archive moved on to another hub), kBusy
  // (kOnceAndClose beside another archiver). After any error what the ledger lists is right and a new run
  // goes on from it.
  Result<ArchiveTotals> run(ArchiveMode mode, std::stop_token stop);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Writes the first slot of the seals: from then on the archive exists. Does nothing where it is there already
// and names the same hub and group; kUsage where it names another, or the group belongs to another archive.
Result<void> init_archive(const Archiver::Parts& parts, const ArchiverOptions& options);

// What init_archive would refuse, without writing anything.
Result<void> check_archive(const Archiver::Parts& parts, const ArchiverOptions& options);

}  // namespace changevault
