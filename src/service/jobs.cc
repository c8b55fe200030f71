#include "service/jobs.h"

namespace changevault {

ArchiverOptions archiver_options(const Configuration& configuration, const std::string& owner) {
  ArchiverOptions out;
  out.group = configuration.hub.group;
  out.source_id = configuration.source.id;
  out.owner = owner;
  out.flush_interval = configuration.archive.flush_interval;
  out.segment_bytes = configuration.archive.segment_bytes;
  out.memory = configuration.archive.memory;
  out.segment.gzip_level = configuration.archive.gzip_level;
  return out;
}

LoaderOptions loader_options(const Configuration& configuration) {
  LoaderOptions out;
  out.poll_interval = configuration.load.poll_interval;
  out.batch_text_bytes = configuration.load.batch_bytes;
  return out;
}

Result<Archiver::Parts> archiver_parts(Parts& parts, OpenMode mode) {
  CV_ASSIGN(Hub* const hub, parts.hub(mode));
  CV_ASSIGN(ObjectStore* const store, parts.store(mode));
  return Archiver::Parts{*hub, *store, parts.layout(), parts.clock(), parts.random()};
}

}  // namespace changevault
