#include "cli/gap_signs.h"

namespace changevault {
namespace {

struct Sign {
  char letter;
  Color color;
  const char* meaning;
};

Sign sign_of(GapState state) {
  switch (state) {
    case GapState::kNotCovered:
      return {'?', Color::kDim, "before the archive begins"};
    case GapState::kAcknowledged:
      return {'A', Color::kBlue, "a gap that was acknowledged"};
    case GapState::kDuplicate:
      return {'D', Color::kRed, "events that the warehouse holds more than once"};
    case GapState::kExtra:
      return {'E', Color::kRed, "rows that the archive does not hold there"};
    case GapState::kMissing:
      return {'M', Color::kRed, "the warehouse has none of the events"};
    case GapState::kPartial:
      return {'P', Color::kRed, "the warehouse has some of the events"};
    case GapState::kLost:
      return {'L', Color::kRed, "events that the hub lost before they were archived"};
    case GapState::kPending:
      return {'>', Color::kYellow, "archived just now, loading is still to come"};
    case GapState::kUnsealed:
      return {'~', Color::kBlue, "the hour is not complete yet, all so far is there"};
    case GapState::kOk:
      return {'+', Color::kGreen, "archive and warehouse hold the same events"};
    case GapState::kQuiet:
      return {'.', Color::kDim, "quiet: complete, and there were no events"};
  }
  return {'!', Color::kRed, ""};
}

}  // namespace

char letter(GapState state) {
  return sign_of(state).letter;
}

const char* meaning(GapState state) {
  return sign_of(state).meaning;
}

std::string painted(const Output& out, GapState state, std::string_view text) {
  return out.paint(sign_of(state).color, text);
}

}  // namespace changevault
