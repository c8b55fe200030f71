// A certificate authority of a test's own, and a server certificate of it for localhost and 127.0.0.1.
#pragma once

#include <string>

#include "tests/support/temp_dir.h"

namespace changevault::testing {

// PEM files, gone with this.
class Certificates {
 public:
  // Throws std::runtime_error where openssl makes none.
  Certificates();
  std::string ca() const { return folder_ / "ca.pem"; }
  std::string key() const { return folder_ / "server.key"; }
  std::string certificate() const { return folder_ / "server.pem"; }
  // Both in one file, the key first.
  std::string key_and_certificate() const { return folder_ / "server.all.pem"; }

 private:
  TempDir folder_;
};

}  // namespace changevault::testing
