// Where published bytes come from: files, standard input, gzip of either.
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "codec/segment_reader.h"

namespace changevault {

// Not thread-safe.
class ByteInput : public ByteSource {
 public:
  // `read` would have to wait for another process (a pipe or terminal without bytes): time to send what was
  // collected.
  virtual bool would_wait() const { return false; }
};

// A file, or standard input as "-". Errors: kNotFound, kUsage (a folder), kUnreachable; reads that wait end
// with kCancelled when `stop` is requested.
Result<std::unique_ptr<ByteInput>> open_file_input(const std::string& path, std::stop_token stop);

// The bytes of `source`, inflated where they start as gzip does, else as they are. Members one behind the
// other are one text. kCorrupt (naming `object`) where a member is cut or damaged; what came before was read.
Result<std::unique_ptr<ByteInput>> inflate_if_gzip(std::unique_ptr<ByteInput> source,
                                                   const std::string& object);

}  // namespace changevault
