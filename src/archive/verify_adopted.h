// Proof of one adopted file: that it is what it was when it was adopted. What its records should be, as the
// archiver would have made them, nobody can say.
#pragma once

#include "archive/verify_segment.h"

namespace changevault {

// Reads the object whole, once. As verify_segment.
Result<SegmentCheck> verify_adopted(const VerifyContext& context, const ListedSegment& listed,
                                    const ObjectInfo* seen);

// All but the content.
Result<SegmentCheck> verify_adopted_presence(const VerifyContext& context, const ListedSegment& listed,
                                             const ObjectInfo* seen);

}  // namespace changevault
