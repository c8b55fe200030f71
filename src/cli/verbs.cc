#include "cli/verbs.h"

namespace changevault {

std::vector<std::unique_ptr<Verb>> all_verbs() {
  std::vector<std::unique_ptr<Verb>> verbs;
  verbs.push_back(make_init_verb());
  verbs.push_back(make_check_verb());
  verbs.push_back(make_status_verb());
  verbs.push_back(make_publish_verb());
  verbs.push_back(make_archive_verb());
  verbs.push_back(make_load_verb());
  verbs.push_back(make_run_verb());
  verbs.push_back(make_groups_verb());
  verbs.push_back(make_consume_verb());
  verbs.push_back(make_sql_verb());
  verbs.push_back(make_ls_verb());
  verbs.push_back(make_du_verb());
  verbs.push_back(make_cat_verb());
  verbs.push_back(make_get_verb());
  verbs.push_back(make_export_verb());
  verbs.push_back(make_put_verb());
  verbs.push_back(make_gaps_verb());
  verbs.push_back(make_ack_verb());
  verbs.push_back(make_adopt_verb());
  verbs.push_back(make_recover_verb());
  verbs.push_back(make_verify_verb());
  verbs.push_back(make_repair_verb());
  verbs.push_back(make_audit_verb());
  verbs.push_back(make_copy_verb());
  verbs.push_back(make_completion_verb());
  return verbs;
}

}  // namespace changevault
