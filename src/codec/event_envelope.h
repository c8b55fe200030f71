// What to tell the producer of a message that is JSON but no change event.
#pragma once

#include <string>
#include <string_view>

namespace changevault {

// Collects the names of a message's fields and names the wrapper that they give away.
class EnvelopeGuess {
 public:
  void see(std::string_view field);
  // The reason for a message without an operationType.
  std::string reason() const;

 private:
  bool oversize_ = false;
  bool payload_ = false;
  bool schema_ = false;
  bool op_ = false;
  bool source_ = false;
  bool before_or_after_ = false;
  std::string wrapper_;  // a field under which other tools put the event
};

}  // namespace changevault
