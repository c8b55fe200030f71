// For any names and numbers: a key is read back as what it was built from, and no two things share one.
#include "store/key_layout.h"

#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/time.h"
#include "store/object_key.h"

namespace changevault {
namespace {

// Short names of the bytes that matter most, and any bytes at all.
rc::Gen<std::string> any_name() {
  const auto tricky =
      rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab._-%/~ 2EF\0\xc3\xa9", 14)));
  return rc::gen::nonEmpty(rc::gen::oneOf(tricky, rc::gen::arbitrary<std::string>()));
}

Hour any_hour() {
  const std::int64_t first = hour_of(*from_date(1000, 1, 1)).index;
  const std::int64_t last = hour_of(*from_date(9999, 12, 31)).index;
  return Hour{*rc::gen::inRange(first, last)};
}

SegmentName::Origin any_origin() {
  const auto number = rc::gen::inRange<std::int64_t>(0, INT64_MAX);
  const std::int64_t a = *number;
  const std::int64_t b = *number;
  return {PartitionId(*rc::gen::inRange(0, INT32_MAX)), Sequence(std::min(a, b)), Sequence(std::max(a, b)),
          Slot(*number)};
}

RC_GTEST_PROP(KeyLayoutProperty, ANameIsReadBack, ()) {
  const std::string name = *any_name();
  const std::string part = encode_name(name);
  RC_ASSERT(split_key(part + "/x").has_value());
  RC_ASSERT(part.find('/') == std::string::npos);
  RC_ASSERT(!part.starts_with('_'));
  RC_ASSERT(part.size() <= 200U);
  if (part.find('~') == std::string::npos) {
    RC_ASSERT(decode_name(part) == name);
  } else {
    RC_ASSERT(decode_name(part) == std::nullopt);
  }
}

RC_GTEST_PROP(KeyLayoutProperty, DifferentNamesHaveDifferentParts, ()) {
  const std::string one = *any_name();
  const std::string other = *any_name();
  RC_PRE(one != other);
  RC_ASSERT(encode_name(one) != encode_name(other));
  const std::string padding(200, 'x');
  RC_ASSERT(encode_name(padding + one) != encode_name(padding + other));
}

RC_GTEST_PROP(KeyLayoutProperty, WhatIsDecodedIsEncodedTheSame, ()) {
  const std::string part = *any_name();
  if (const auto name = decode_name(part)) RC_ASSERT(encode_name(*name) == part);
}

RC_GTEST_PROP(KeyLayoutProperty, ASegmentIsReadBack, ()) {
  const KeyLayout layout(*rc::gen::elementOf(std::vector<std::string>{"", "changestreams", "a/b"}));
  const Namespace ns{*any_name(), *rc::gen::oneOf(any_name(), rc::gen::just(std::string()))};
  const Hour hour = any_hour();
  const SegmentName::Origin origin = any_origin();
  const std::string key = layout.segment(ns, hour, origin);
  RC_ASSERT(split_key(key).has_value());
  RC_ASSERT(key.starts_with(layout.hour_prefix(ns, hour)));
  RC_ASSERT(key.starts_with(layout.namespace_prefix(ns)));
  RC_ASSERT(key.starts_with(layout.database_prefix(ns.database)));
  const auto name = layout.parse(key);
  RC_ASSERT(name.has_value());
  RC_ASSERT(name->hour == hour);
  RC_ASSERT(name->origin == origin);
  RC_ASSERT(!name->dead_letter);
  if (key.find('~') == std::string::npos) RC_ASSERT(name->ns == ns);
  const auto dead = layout.parse(layout.dead_letter(hour, origin));
  RC_ASSERT(dead == (SegmentName{{}, hour, true, origin}));
}

RC_GTEST_PROP(KeyLayoutProperty, AnyTextIsReadOrRefused, ()) {
  const KeyLayout layout("changestreams");
  const std::string text = *any_name();
  const std::vector<std::string> keys = {text, "changestreams/" + text, "changestreams/" + text + ".jsonl.gz",
                                         "changestreams/d/c/2025/01/15/14-" + text + ".jsonl.gz",
                                         "changestreams/" + text + "/c/2025/01/15/14-x.jsonl.gz"};
  const std::string key = *rc::gen::elementOf(keys);
  if (const auto name = layout.parse(key)) {
    RC_ASSERT(KeyLayout::has_file_ending(key));
    RC_ASSERT(key.ends_with(".jsonl.gz") || (!name->origin && !name->dead_letter));
  }
}

}  // namespace
}  // namespace changevault
