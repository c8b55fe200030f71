#include "cli/output.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <unistd.h>

#include "base/mutex.h"
#include "cli/characters.h"
#include "cli/text.h"
#include "codec/json.h"

namespace changevault {
namespace {

constexpr std::size_t kBufferBytes = 64 << 10;

const char* code_of(Color color) {
  // All of them stand in is_own_color, too.
  constexpr std::array<const char*, 6> kCodes{"\x1b[31m", "\x1b[33m", "\x1b[32m",
                                              "\x1b[34m", "\x1b[2m",  "\x1b[1m"};
  return kCodes[static_cast<std::size_t>(color)];
}

// A line that is broken by the terminal could not be taken back.
std::string fitting(std::string_view line, int width) {
  return shortened(harmless(line), static_cast<std::size_t>(std::max(2, width) - 1));
}

}  // namespace

Result<void> DescriptorWriter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EPIPE) {
      return Error(ErrorCode::kCancelled, "the reader of the output went away");
    } else if (errno != EINTR) {
      return system_error(ErrorCode::kUnreachable, "cannot write the output", "", errno);
    }
  }
  return {};
}

Output::~Output() {
  ignore_error(flush(), "whoever cares for the outcome has flushed before");
}

Result<void> Output::write(std::string_view bytes) {
  if (failure_) return *failure_;
  buffer_.append(bytes);
  return buffer_.size() >= kBufferBytes ? flush() : Result<void>();
}

void Output::print(std::string_view line) {
  ignore_error(write(line), "kept in failure_, returned by flush");
  ignore_error(write("\n"), "kept in failure_, returned by flush");
  // Who looks on sees each file as it is done, and a failure among them at once.
  if (terminal_.out) ignore_error(flush(), "kept in failure_, returned by flush");
}

void Output::print_json(const Json& document) {
  // Names come from MongoDB and may hold any bytes: what is no UTF-8 must not end the program.
  print(document.dump(2, ' ', false, Json::error_handler_t::replace));
}

Result<void> Output::flush() {
  if (failure_) return *failure_;
  if (buffer_.empty()) return {};
  if (terminal_.out) progress({});  // the same screen
  const Result<void> done = out_.write(terminal_.out ? harmless(buffer_) : buffer_);
  buffer_.clear();
  if (!done.has_value()) failure_ = done.error();
  return done;
}

void Output::write_error_line(std::string_view line) {
  const MutexLock lock(err_mutex_);
  show_progress({});
  ignore_error(err_.write(harmless(line) + "\n"), "there is no third place to say it");
}

void Output::note(std::string_view line) {
  if (!quiet_) write_error_line(line);
}

void Output::complain(std::string_view line) {
  write_error_line(line);
}

void Output::error(const Error& error) {
  ignore_error(flush(), "the error at hand says more");
  if (json_wanted()) {
    const Json document = {{"error",
                            {{"code", name(error.code)},
                             {"message", error.message},
                             {"object", error.object},
                             {"hint", error.hint}}}};
    write_error_line(document.dump(2, ' ', false, Json::error_handler_t::replace));
    return;
  }
  const bool colored = terminal_.err && terminal_.color;
  const std::string label =
      colored ? std::string(code_of(Color::kRed)) + "changevault:\x1b[0m " : "changevault: ";
  write_error_line(label + printable(error.to_string()));
  if (!error.hint.empty()) write_error_line("hint: " + printable(error.hint));
}

void Output::progress(std::string_view line) {
  const MutexLock lock(err_mutex_);
  show_progress(line);
}

void Output::show_progress(std::string_view line) {
  if (line.empty() && !progress_shown_) return;
  if (!shows_progress()) return;
  ignore_error(err_.write("\r\x1b[K" + fitting(line, terminal_.width)), "a lost progress line harms nobody");
  progress_shown_ = !line.empty();
}

std::string Output::paint(Color color, std::string_view text) const {
  if (!terminal_.out || !terminal_.color) return std::string(text);
  return code_of(color) + std::string(text) + std::string(kColorEnd);
}

}  // namespace changevault
