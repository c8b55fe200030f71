// Any bytes as a gzip file, as deflate data under a right checksum, and as a block: our readers and zlib
// agree on what is fine and what its text is.
#include <cstdint>

#include "fuzz/fuzzing.h"
#include "fuzz/gzip_reference.h"

namespace {

using namespace changevault;
using namespace changevault::fuzzing;

void check_file(std::string_view file) {
  const auto theirs = zlib_text(file);
  for (const std::size_t piece : {file.size() + 1, std::size_t{3}}) {
    const auto ours = our_text(file, piece);
    require(theirs.allows(ours.has_value()));
    if (ours && theirs.text) require(*ours == with_last_line_ended(*theirs.text));
    if (!ours) require(ours.error().code == ErrorCode::kCorrupt);
  }
}

void check_block(std::string_view block) {
  const auto theirs = zlib_block(block);
  if (theirs.unsure) return;  // nor does anybody know how long its text is
  const auto length = static_cast<std::int64_t>(theirs.text ? theirs.text->size() : block.size());
  const auto ours = inflate_block(block, length);
  require(ours.has_value() == theirs.text.has_value() && (!ours || *ours == *theirs.text));
  require(!inflate_block(block, length + 1) && (length == 0 || !inflate_block(block, length - 1)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_file(bytes);
  const Inflated inflated = ZlibStream(ZlibStream::Kind::kDeflate).run(bytes);
  check_file(gzip_member(bytes.substr(0, inflated.consumed), inflated.text));
  check_block(bytes);
  check_block(std::string(bytes).append(std::string_view("\0", 1)).append(kFlushMark));
  return 0;
}
