#include "codec/gzip_format.h"

#include <isa-l/crc.h>

namespace changevault {
namespace {

void append_little_endian(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(value >> shift & 0xFF));
}

}  // namespace

std::uint32_t gzip_crc32(std::uint32_t before, std::string_view bytes) {
  auto* data =
      reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));  // read only, by its documentation
  return crc32_gzip_refl(before, data, bytes.size());
}

void append_gzip_end(std::string& out, std::uint32_t crc, std::uint64_t text_bytes) {
  out.append(kFinalBlock);
  append_little_endian(out, crc);
  append_little_endian(out, static_cast<std::uint32_t>(text_bytes));  // modulo 2^32, as the format has it
}

}  // namespace changevault
