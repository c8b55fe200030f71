#include "archive/ledger_problem.h"

#include <algorithm>
#include <utility>

#include "archive/chain.h"

namespace changevault {

bool is_uncertain(const std::vector<LedgerProblem>& problems, const Scope& scope) {
  if (!scope.pattern.empty() && scope.pattern.find_first_of("*?[") == std::string::npos) return false;
  return std::any_of(problems.begin(), problems.end(),
                     [&](const LedgerProblem& problem) { return problem.touches(scope.time); });
}

Error damage_error(Error error) {
  if (error.code == ErrorCode::kNotFound) {
    error.code = ErrorCode::kCorrupt;
    error.message = "a ledger slot is gone";
  }
  if (error.hint.empty()) error.hint = "run 'changevault verify' to see all that is damaged";
  return error;
}

Error slot_rewritten(const std::string& key) {
  return Error(ErrorCode::kCorrupt, "a ledger slot does not name the bytes of the slot before it", key,
               "run 'changevault verify' to see all that is damaged; nothing was written");
}

Result<ChainEnd> find_chain_end(ObjectStore& store, const std::string& folder, Slot at_least) {
  Chain chain(store, folder);
  const Result<Slot> end = chain.find_end(at_least);
  if (end) return ChainEnd{*end, std::nullopt};
  if (end.error().code != ErrorCode::kCorrupt) return end.error();
  Slot behind_last{};
  CV_TRY(for_each_object(store, folder, [&](const ObjectInfo& object) -> Result<void> {
    const auto slot = KeyLayout::parse_slot_name(std::string_view(object.key).substr(folder.size()));
    if (slot) behind_last = std::max(behind_last, slot->next());
    return {};
  }));
  if (behind_last >= at_least) return ChainEnd{behind_last, std::nullopt};
  return ChainEnd{at_least, end.error()};
}

Result<std::vector<PartitionId>> partition_chains(ObjectStore& store, const KeyLayout& layout) {
  const std::string prefix = layout.ledger_prefix();
  std::vector<PartitionId> out;
  std::string continuation;
  do {
    CV_ASSIGN(ListPage page, store.list(prefix, '/', continuation));
    for (const std::string& folder : page.prefixes) {
      const auto name = std::string_view(folder).substr(prefix.size(), folder.size() - prefix.size() - 1);
      if (const auto id = KeyLayout::parse_partition_folder(name)) out.push_back(*id);
    }
    continuation = std::move(page.next);
  } while (!continuation.empty());
  std::sort(out.begin(), out.end());
  return out;
}

Error seals_gone(const KeyLayout& layout) {
  return Error(ErrorCode::kCorrupt, "the chain of seals is gone, the ledger of the partitions is there",
               layout.seal_chain(),
               "put this folder back from a backup, or see whether it can be begun again with: changevault "
               "repair; and "
               "find out who deletes below the archive's root. Until then reading, loading and recovering go "
               "on without "
               "it; nothing is archived");
}

}  // namespace changevault
