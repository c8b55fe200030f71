// Where in MongoDB an event happened.
#pragma once

#include <compare>
#include <string>

namespace changevault {

// Database and collection by their true names. No collection: an event of the database (dropDatabase).
// Neither: an event of the cluster.
struct Namespace {
  std::string database;
  std::string collection;
  auto operator<=>(const Namespace&) const = default;
  bool is_cluster() const { return database.empty(); }
  bool is_database() const { return !database.empty() && collection.empty(); }
};

// "inventory_db.products", "inventory_db" or "(cluster)", for people.
std::string to_string(const Namespace& ns);

}  // namespace changevault
