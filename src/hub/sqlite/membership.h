// One member of a consumer group of the embedded hub: what it may read, and how it keeps that.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "hub/hub.h"
#include "hub/sqlite/group_table.h"
#include "hub/sqlite/member_lock.h"
#include "hub/sqlite/sqlite_log.h"

namespace changevault {

// Problem. Members of one group, in any number of processes, share the partitions of the hub: each partition
// has one reader, each living member its fair share, and whoever dies, stalls or joins, the rest follows at
// once. Processes are killed between any two statements, stopped for minutes and woken; the machine's date
// jumps; there is no coordinator, only the file.
//
// The file holds a row for each member and a lease (partition, member) for each partition that is held.
//
// Invariants.
//  1. Every change of members and leases is one write transaction, and moves the group's generation. What a
//     member believes is what the file said at a generation that it knows.
//  2. A lease goes from its member only by the member itself, or together with its whole membership. A number
//     is never given twice. So a member whose row is there still has every lease that it has not given back;
//     one whose row is gone has none, and joins anew under another number: it cannot mistake a lease that it
//     was given later for the one that it had before.
//  3. Only what is free is taken. Who holds too much announces it (`revoked`), keeps the lease until its next
//     poll, and gives it back then: the newcomer starts after the holder has written what it had.
//  4. A membership is ended by others for two reasons only. Its lock is free: it is dead (MemberLock). Or its
//     beat stood still for its lease, measured by the observer's own steady clock from the moment the
//     observer saw that beat: no dates are compared, so neither a wrong clock nor a reboot makes a lease last
//     for ever. A member that nobody wants anything from keeps its leases however long it is silent. The beat
//     is compared again inside the transaction that ends the membership.
//  5. A batch is read in the transaction that found the lease to be ours, a position is written in the one
//  that
//     did. A member that was put out hears `lost` before anything else of that partition.
//  6. A member that waits writes its beat every third of its lease, and nothing else. It does not wait long
//  for
//     a writer that holds the file: nobody can put it out meanwhile, and reading goes on.
//
// What no lease can do: a member that stalls between being given a batch and using it does not know that
// another has taken over. The archive's ledger fences it there.
//
// Lifetime. join(); then begin_poll() with each poll, attend() while it waits; the destructor leaves the
// group. One thread.
class Membership {
 public:
  struct Options {
    std::string name;
    Duration lease{};
    GroupOwner owner = {};  // the archive that this member works for
  };
  struct News {
    std::vector<PartitionId> assigned;
    std::vector<PartitionId> revoked;
    std::vector<PartitionId> lost;
    bool empty() const { return assigned.empty() && revoked.empty() && lost.empty(); }
  };

  // The group exists from now on and counts this member. kUsage where it belongs to another archive. `log`
  // and `clock` outlive it.
  static Result<std::unique_ptr<Membership>> join(SqliteLog& log, const std::string& group, Options options,
                                                  Clock& clock);
  ~Membership();
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;

  // Gives back what was revoked by the news before, and looks what is ours now.
  Result<void> begin_poll();
  // Shows a sign of life when it is due, and looks whether anything has changed. Cheap where nothing has.
  Result<void> attend();
  bool has_news() const { return !news_.empty(); }
  News take_news() { return std::exchange(news_, {}); }

  // Inside the caller's transaction.
  Result<bool> holds_inside(PartitionId partition);
  // A fetch met a partition that is no longer ours: the next attend() looks again.
  void doubt() { known_generation_ = -1; }
  // As Consumer::commit.
  Result<void> commit(PartitionId partition, Sequence next);

 private:
  struct Sighting {
    std::int64_t beat = 0;
    Duration since{};
  };

  Membership(SqliteLog& log, const std::string& group, Options options, Clock& clock);
  Result<void> leave();
  // One transaction: gives back, puts out who is gone, takes what is ours; then tells what it made.
  Result<void> rebalance();
  Result<void> enter_group_inside();  // makes it, and makes it our archive's
  Result<MemberId> enter_inside();    // the number that we have, or a new one
  Result<bool> give_back_inside(MemberId me);
  Result<bool> put_out_the_gone_inside(MemberId me);  // true: somebody was
  Result<void> look_at_members();
  Result<bool> beat();  // false: the membership is gone
  void beat_written();

  SqliteLog& log_;
  Clock& clock_;
  std::string group_;
  Options options_;
  GroupRows rows_;
  MemberLock lock_;
  std::optional<MemberId> id_;

  // News are told with the poll that made them, so between polls these are what was told.
  std::set<PartitionId> held_;          // assigned, and not revoked or lost since
  std::vector<PartitionId> giving_up_;  // revoked; given back with the next poll
  News news_;
  std::int64_t known_generation_ = -1;
  std::int64_t known_version_ = -1;
  Duration beat_due_{};
  std::optional<Duration> last_look_;
  std::map<MemberId, Sighting> sightings_;
  std::set<MemberId> gone_;  // whom the last look found dead or silent for too long
};

}  // namespace changevault
