// kafka_broker: a real Kafka for programs that are no tests of this language, and for trying things by hand.
// Prints where it listens and lives until its standard input ends.
#include <cstdio>
#include <exception>

#include "tests/support/kafka_broker.h"

int main() {
  using changevault::testing::KafkaBroker;
  if (!KafkaBroker::available()) {
    std::fprintf(stderr, "kafka_broker: %s\n", KafkaBroker::why_not().c_str());
    return 3;
  }
  try {
    const KafkaBroker broker;
    std::printf("%s\n", broker.bootstrap().c_str());
    std::fflush(stdout);
    while (std::getchar() != EOF) continue;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kafka_broker: %s\n", error.what());
    return 1;
  }
  return 0;
}
