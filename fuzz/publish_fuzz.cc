// What `publish` does with bytes before the hub sees them: gzip or plain, lines, clusterTime, partition key.
// Whatever comes, nothing crashes, and of plain text no byte but line ends and a byte order mark is lost.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "capture/cluster_time.h"
#include "capture/line_reader.h"
#include "codec/document_key.h"

namespace {

using namespace changevault;

class Input final : public ByteInput {
 public:
  Input(std::string_view bytes, std::size_t piece) : rest_(bytes), piece_(piece) {}
  Result<std::size_t> read(std::span<char> into) override {
    const std::size_t count = rest_.copy(into.data(), std::min(into.size(), piece_));
    rest_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view rest_;
  std::size_t piece_;
};

// All lines, each ended by '\n', then whether the input ended well.
std::string read_all(std::string_view bytes, std::size_t piece) {
  auto input = inflate_if_gzip(std::make_unique<Input>(bytes, piece), "input");
  if (!input) std::abort();
  LineReader reader(std::move(*input), "input");
  ClusterTimeReader times;
  std::string all;
  constexpr std::size_t kEnough = std::size_t{16} << 20;  // of what a small gzip file may grow to
  while (all.size() < kEnough) {
    const auto line = reader.next();
    if (!line) return all + "error";
    if (!*line) return all + "end";
    times.read(**line);
    if (partition_of(partition_key(**line), 7) >= 7) std::abort();
    all.append(**line).push_back('\n');
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = read_all(bytes, size + 1);
  if (whole != read_all(bytes, 3)) std::abort();
  if (bytes.starts_with("\x1f\x8b") || bytes.find('\r') != std::string_view::npos ||
      bytes.starts_with("\xef\xbb\xbf"))
    return 0;
  std::string expected(bytes);
  if (!expected.empty() && !expected.ends_with('\n')) expected.push_back('\n');
  if (whole != expected + "end") std::abort();
  return 0;
}
