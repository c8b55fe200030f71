#include "tests/support/certificates.h"

#include <fstream>
#include <stdexcept>
#include <vector>

#include "tests/support/process.h"

namespace changevault::testing {
namespace {

void openssl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "openssl");
  const Outcome made = run(arguments);
  if (made.exit_code != 0) throw std::runtime_error("openssl makes no certificate: " + made.err);
}

}  // namespace

Certificates::Certificates() {
  openssl({"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder_ / "ca.key", "-out", ca(),
           "-days", "30", "-subj", "/CN=changevault test authority"});
  openssl({"req", "-newkey", "rsa:2048", "-nodes", "-keyout", key(), "-out", folder_ / "server.csr", "-subj",
           "/CN=localhost"});
  std::ofstream(folder_ / "names") << "subjectAltName=DNS:localhost,IP:127.0.0.1\n";
  openssl({"x509", "-req", "-in", folder_ / "server.csr", "-CA", ca(), "-CAkey", folder_ / "ca.key",
           "-CAcreateserial", "-days", "30", "-extfile", folder_ / "names", "-out", certificate()});
  std::ofstream(key_and_certificate())
      << std::ifstream(key()).rdbuf() << std::ifstream(certificate()).rdbuf();
}

}  // namespace changevault::testing
