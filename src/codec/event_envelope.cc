#include "codec/event_envelope.h"

#include <algorithm>
#include <array>

#include "codec/oversize_pointer.h"

namespace changevault {

void EnvelopeGuess::see(std::string_view field) {
  constexpr std::array<std::string_view, 8> kWrappers{"data", "event",  "value",  "message",
                                                      "body", "detail", "record", "change"};
  oversize_ |= field == kOversizeField;
  payload_ |= field == "payload";
  schema_ |= field == "schema";
  op_ |= field == "op";
  source_ |= field == "source";
  before_or_after_ |= field == "before" || field == "after";
  if (wrapper_.empty() && std::ranges::find(kWrappers, field) != kWrappers.end()) wrapper_ = field;
}

std::string EnvelopeGuess::reason() const {
  constexpr std::string_view kAdvice = ": publish the change stream's own events";
  std::string what = "no operationType";
  if (oversize_) {
    return what +
           "; a pointer to an oversize event that was changed on its way, or is of a newer version of "
           "changevault";
  }
  if ((op_ && source_ && before_or_after_) || (payload_ && schema_)) {
    what = "a Debezium envelope, not a change event";
  } else if (payload_) {
    what = "a schema/payload envelope, not a change event";
  } else if (!wrapper_.empty()) {
    what = "no operationType; an envelope with the event in \"" + wrapper_ + "\"?";
    return what + " publish the change stream's own events";
  } else {
    return what;
  }
  return what.append(kAdvice);
}

}  // namespace changevault
