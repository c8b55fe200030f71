// The Blob service as an imposter: an account with containers in memory, and the faults of a real one on
// demand.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "tests/support/http_imposter.h"

namespace changevault::testing {

// Answers as Azure's documentation has it for what the store driver asks; authorisation is not checked
// (Azurite does that). Thread-safe.
class BlobImposter {
 public:
  struct Behaviour {
    bool immutable = false;     // a container policy: nothing is overwritten, changed or removed
    bool hierarchical = false;  // directories are listed as empty blobs with hdi_isfolder
    std::size_t page = 5000;    // most items of a page
    bool empty_pages = false;   // every second page is empty and has a marker
    std::string access_tier = "Hot";
  };
  BlobImposter();

  // http://127.0.0.1:PORT/acct, path style.
  std::string endpoint() const { return server_.url() + "/acct"; }
  HttpImposter& server() { return server_; }
  void set(const Behaviour& behaviour);
  // Asked before a request has its effect; an answer of its own ends it there.
  using Hook = std::function<std::optional<ImposterReply>(const ImposterRequest&)>;
  void before(Hook hook);
  // Asked after the effect: may change the answer.
  void after(std::function<void(const ImposterRequest&, ImposterReply&)> hook);

  void make_container(const std::string& name);
  void put(const std::string& container, const std::string& name, const std::string& bytes);
  std::size_t blobs(const std::string& container) const;

 private:
  struct Blob {
    std::string bytes;
    std::string type;
    std::string md5;  // base64
    std::string etag;
    std::map<std::string, std::string> metadata;
  };
  struct Container {
    std::map<std::string, Blob> blobs;
    std::map<std::string, std::string> blocks;  // by blob and id
  };
  ImposterReply handle(const ImposterRequest& request);
  ImposterReply answer(const ImposterRequest& request);
  ImposterReply answer_account(const ImposterRequest& request);
  ImposterReply answer_container(const ImposterRequest& request, const std::string& name);
  ImposterReply answer_blob(const ImposterRequest& request, Container& container, const std::string& name);
  ImposterReply store(const ImposterRequest& request, Container& container, const std::string& name);
  ImposterReply list(const ImposterRequest& request, const Container& container);
  ImposterReply read(const ImposterRequest& request, const Blob& blob);

  mutable std::mutex mutex_;
  Behaviour behaviour_;
  Hook before_;
  std::function<void(const ImposterRequest&, ImposterReply&)> after_;
  std::map<std::string, Container> containers_;
  std::uint64_t writes_ = 0;
  HttpImposter server_;  // last: its threads use the rest
};

}  // namespace changevault::testing
