#include "model/ns.h"

namespace changevault {

std::string to_string(const Namespace& ns) {
  if (ns.is_cluster()) return "(cluster)";
  if (ns.is_database()) return ns.database;
  return ns.database + "." + ns.collection;
}

}  // namespace changevault
