// make_events [EVENTS [SEED]]: a day of a shop's change events on stdout, one JSON line each, for the
// demonstration.
#include <charconv>
#include <cstdio>
#include <string_view>

#include "tests/support/generator.h"

namespace {

bool read_number(std::string_view text, std::int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value > 0;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace changevault;
  std::int64_t events = 200'000;
  std::int64_t seed = 1;
  if (argc > 3 || (argc > 1 && !read_number(argv[1], events)) || (argc > 2 && !read_number(argv[2], seed))) {
    std::fputs("usage: make_events [EVENTS [SEED]]\n", stderr);
    return 2;
  }
  const Timestamp day = *from_date(2025, 1, 15);
  testing::GeneratorOptions options;
  options.seed = static_cast<std::uint64_t>(seed);
  options.first = day;
  options.last = day + hours(24);
  options.events = events;
  options.collections = testing::shop_collections(Hour{hour_of(day).index + 3});
  options.one_in_structure = 2000;
  bool written = true;
  testing::generate_events(options, [&](const testing::GeneratedEvent& event) {
    written = written && std::fwrite(event.line.data(), 1, event.line.size(), stdout) == event.line.size() &&
              std::fputc('\n', stdout) == '\n';
  });
  if (!written || std::fflush(stdout) != 0) {
    std::perror("make_events: cannot write");
    return 1;
  }
  return 0;
}
