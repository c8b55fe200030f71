#include "codec/gzip_stream.h"

#include "codec/gzip_format.h"

namespace changevault {

void GzipStream::begin(std::string& out) {
  if (!begun_) out.append(kGzipHeader);
  begun_ = true;
}

void GzipStream::add(std::string_view text, std::string& out) {
  begin(out);
  if (text.empty()) return;
  compressor_.compress(text, out);
  crc_ = gzip_crc32(crc_, text);
  text_bytes_ += text.size();
}

void GzipStream::finish(std::string& out) {
  begin(out);
  append_gzip_end(out, crc_, text_bytes_);
}

}  // namespace changevault
