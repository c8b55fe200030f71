// How the brokers of tests are set up: small, quick to start, quick to forget.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/kafka_node.h"

namespace changevault::testing {

struct KafkaOptions {
  // Added to server.properties, or in the place of what stands there.
  KafkaProperties properties = {};
  // A second listener, SASL_SSL: mechanisms PLAIN with `user` and `password`, and OAUTHBEARER with unsecured
  // tokens.
  bool sasl_ssl = false;
  std::string user = "alice";
  std::string password = "alice-secret";
};

struct KafkaPorts {
  int plaintext = 0;
  int controller = 0;
  int sasl_ssl = 0;
};

struct KafkaPlan {
  std::vector<KafkaPorts> nodes;  // their ids are 1, 2, …
  std::string cluster;            // its id
};

KafkaPlan plan_kafka(int nodes);

// `certificates` where there is a SASL_SSL listener.
KafkaProperties kafka_properties(const KafkaPlan& plan, int node, const KafkaOptions& options,
                                 const Certificates* certificates);

}  // namespace changevault::testing
