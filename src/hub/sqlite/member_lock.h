// Tells whether a member of a consumer group still lives, by a lock that the kernel drops with its process.
#pragma once

#include <cstdint>
#include <string>

#include "hub/sqlite/lease_plan.h"

namespace changevault {

// Problem. A member that was killed must be replaced at once, and one that lives must never be called dead:
// process numbers are given again, and differ between containers. So each member holds a lock on one byte of
// the file HUB-members, the byte of its number, by an open file description of its own (two members of one
// process have two; closing an unrelated descriptor drops nothing, unlike with POSIX locks). Invariants.
//  1. A member's number is seen by others only after its lock was taken; its lock goes only with the
//     description, so with the member or its process. A free byte therefore means a dead member.
//  2. That holds for one file only. Each member records which file (device and inode) it locked; about a
//     member of another file (HUB-members was deleted, the hub was copied) nothing is known. The file is
//     never deleted, and its inode is not given again while a living member has it open.
// Where no lock can be had, nothing is known of the member either: its silence then decides (the lease).
class MemberLock {
 public:
  struct File {
    std::int64_t device = 0;
    std::int64_t inode = 0;  // 0: no lock was taken
    bool operator==(const File&) const = default;
  };
  enum class State { kAlive, kDead, kUnknown };

  // `make`: the file is made where it is not there. Never fails; without a file everything is unknown.
  MemberLock(const std::string& hub_path, bool make);
  ~MemberLock();
  MemberLock(const MemberLock&) = delete;
  MemberLock& operator=(const MemberLock&) = delete;

  // Takes the byte for as long as this object lives. False: another holds it, the number must not be used.
  bool take(MemberId member);
  // What take() locks, to be recorded with the member.
  File file() const { return file_; }
  // Not for a member of this object's own: a description does not see its own locks.
  State look(File file, MemberId member) const;

 private:
  int descriptor_ = -1;
  File file_;
};

}  // namespace changevault
