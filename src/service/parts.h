// Hub, store and warehouse of a configuration, each opened when it is first asked for.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "service/drivers.h"
#include "store/key_layout.h"

namespace changevault {

// Not thread-safe; the parts it gives are, and live as long as it does.
class Parts {
 public:
  // All references outlive this.
  Parts(const Configuration& configuration, const Drivers& drivers, Clock& clock, Random& random);

  // Where notices of the parts go; before the first part is opened.
  void on_notice(std::function<void(const std::string&)> notice) { notice_ = std::move(notice); }
  // Each call of the warehouse waits for somebody else who holds it for at most this long (and never longer
  // than the configuration says); before it is opened.
  void wait_at_most(Duration patience) { patience_ = std::min(patience_, patience); }

  // From here on store and warehouse refuse to be written to (kInternal), until `allow_writing`: for verbs
  // that plan first. Before the first of them is opened.
  void only_read() { dry_ = true, writable_ = false; }
  void allow_writing() { writable_ = true; }

  // kUsage for an unknown scheme (naming the known ones); kNotFound becomes kUsage with the hint `changevault
  // init`.
  Result<Hub*> hub(OpenMode mode = OpenMode::kOpen);
  // Of the consumer groups that the hub's cloud knows; the caller's. kUsage for a hub that has none.
  Result<std::unique_ptr<GroupManagement>> group_management();
  Result<ObjectStore*> store(OpenMode mode = OpenMode::kOpen);
  // A store beside the configured one, with a secret file of its own ("": none); the caller's. `url` as
  // store.url takes it, but with paths that count from the working directory, and without a secret (kUsage):
  // it comes from an argument.
  Result<std::unique_ptr<ObjectStore>> other_store(const std::string& url, const std::string& secret_file,
                                                   OpenMode mode);
  Result<Warehouse*> warehouse(OpenMode mode = OpenMode::kOpen);
  const KeyLayout& layout() const { return layout_; }
  Clock& clock() const { return clock_; }
  Random& random() const { return random_; }
  const Configuration& configuration() const { return configuration_; }

 private:
  const Configuration& configuration_;
  const Drivers& drivers_;
  Clock& clock_;
  Random& random_;
  KeyLayout layout_;
  Duration patience_;
  std::function<void(const std::string&)> notice_;
  bool dry_ = false;
  std::atomic<bool> writable_ = true;
  std::unique_ptr<Hub> hub_;
  std::unique_ptr<ObjectStore> store_;
  std::unique_ptr<Warehouse> warehouse_;
};

}  // namespace changevault
