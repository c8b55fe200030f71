// Several long-running jobs in one process that live and end together.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"

namespace changevault {

class Supervisor {
 public:
  // Runs until its token is stopped, then ends cleanly and returns.
  using Job = std::function<Result<void>(std::stop_token)>;

  void add(std::string name, Job job) { jobs_.push_back({std::move(name), std::move(job)}); }

  // Runs every job on its own thread. When `stop` is requested, or one of them returns (with an error or
  // without), all are asked to stop; returns when all have. The error is the first that happened, with the
  // job's name in front.
  Result<void> run(std::stop_token stop);

 private:
  struct Named {
    std::string name;
    Job job;
  };
  std::vector<Named> jobs_;
};

}  // namespace changevault
