// What the service says of an account and a container, in words. What it refuses to say is left out.
#include <pugixml.hpp>

#include "store/azure/azure_store.h"
#include "store/azure/blob_list.h"

namespace changevault {
namespace {

using azure::BlobRequest;

Result<HttpResponse> ask(azure::BlobClient& client, BlobRequest::Of of, azure::QueryPairs query) {
  BlobRequest request{"GET", of};
  request.query = std::move(query);
  return client.send(request);
}

void add_account(const HttpResponse& account, StoreTraits& traits) {
  const std::string sku(account.header("x-ms-sku-name"));
  if (!sku.empty())
    traits.facts.push_back("account " + sku + " (" + std::string(account.header("x-ms-account-kind")) + ")");
  const std::string_view hierarchical = account.header("x-ms-is-hns-enabled");
  if (hierarchical == "true") traits.facts.push_back("hierarchical namespace (ADLS Gen2)");
  if (hierarchical == "false") traits.facts.push_back("flat namespace");
}

void add_container(const HttpResponse& container, StoreTraits& traits) {
  const bool policy = container.header("x-ms-has-immutability-policy") == "true";
  const bool hold = container.header("x-ms-has-legal-hold") == "true";
  traits.keeps_everything = policy || hold;
  if (policy) traits.facts.push_back("an immutability policy protects the container");
  if (hold) traits.facts.push_back("a legal hold protects the container");
  const std::string open(container.header("x-ms-blob-public-access"));
  if (!open.empty())
    traits.warnings.push_back("anybody may read the container (public access: " + open + ")");
}

void add_service(const HttpResponse& service, StoreTraits& traits) {
  pugi::xml_document document;
  if (!document.load_buffer(service.body.data(), service.body.size())) return;
  const pugi::xml_node retention = document.child("StorageServiceProperties").child("DeleteRetentionPolicy");
  if (!retention) return;
  if (retention.child("Enabled").text().as_bool()) {
    traits.facts.push_back("deleted blobs are kept for " +
                           std::string(retention.child("Days").text().as_string()) + " days");
  } else if (!traits.keeps_everything) {
    traits.warnings.push_back(
        "deleted blobs are gone at once: neither soft delete nor an immutability policy is on");
  }
}

// What the newest blobs are in is not told; any of them stands for them all.
void add_tier(const HttpResponse& listing, StoreTraits& traits) {
  const auto list = azure::parse_blob_list(listing.body);
  if (!list || list->blobs.empty() || list->blobs.front().tier.empty()) return;
  traits.facts.push_back("blobs are in tier " + list->blobs.front().tier);
}

}  // namespace

Result<StoreTraits> AzureStore::traits() {
  StoreTraits traits;
  CV_ASSIGN(const HttpResponse account,
            ask(client_, BlobRequest::Of::kAccount, {{"restype", "account"}, {"comp", "properties"}}));
  if (account.ok()) add_account(account, traits);
  CV_ASSIGN(const HttpResponse container,
            ask(client_, BlobRequest::Of::kContainer, {{"restype", "container"}}));
  if (container.ok()) add_container(container, traits);
  CV_ASSIGN(const HttpResponse service,
            ask(client_, BlobRequest::Of::kAccount, {{"restype", "service"}, {"comp", "properties"}}));
  if (service.ok()) add_service(service, traits);
  CV_ASSIGN(const HttpResponse listing,
            ask(client_, BlobRequest::Of::kContainer,
                {{"restype", "container"}, {"comp", "list"}, {"maxresults", "1"}}));
  if (listing.ok()) add_tier(listing, traits);
  if (!account.ok() && !container.ok() && !service.ok())
    traits.facts.push_back("what protects it is not told to this credential");
  return traits;
}

}  // namespace changevault
