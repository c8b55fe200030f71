// The signed statement by which an application proves with its certificate who it is (RFC 7523, RS256).
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"

namespace changevault::azure {

struct ClientAssertion {
  std::string audience;     // the token endpoint's URL
  std::string client_id;    // issuer and subject
  std::string jwt_id;       // a name used once
  Timestamp now{};          // valid from then, for ten minutes
  bool with_chain = false;  // sends the certificate along (subject name and issuer authentication)
};

// `pem`: a certificate and its RSA key without a password, in any order. kUsage where it holds none.
Result<std::string> sign_client_assertion(const ClientAssertion& assertion, const std::string& pem);

}  // namespace changevault::azure
