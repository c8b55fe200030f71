// Azurite, Microsoft's emulator of Blob storage, on a free port of loopback.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace changevault::testing {

class Azurite {
 public:
  enum class Protocol { kHttp, kHttps };

  // The one of this test program, started when it is first asked for and ended with the program; nullptr
  // where it cannot be had, and why_not() says why.
  static Azurite* shared(Protocol protocol = Protocol::kHttp);
  static std::string why_not();

  Azurite(const Azurite&) = delete;
  Azurite& operator=(const Azurite&) = delete;
  ~Azurite();

  // "http://127.0.0.1:PORT/devstoreaccount1"
  const std::string& endpoint() const { return endpoint_; }
  // With the account's well-known key.
  std::string connection_string() const;
  std::string ca_file() const { return folder_ / "cert.pem"; }  // of https
  // A container name of its own.
  static std::string new_container();

 private:
  explicit Azurite(Protocol protocol);
  TempDir folder_;
  std::string endpoint_;
  std::optional<Process> server_;
};

}  // namespace changevault::testing
