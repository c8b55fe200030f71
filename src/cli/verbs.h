// The registry: every verb of the program, in the order in which help names them.
#pragma once

#include <memory>
#include <vector>

#include "cli/verb.h"

namespace changevault {

std::unique_ptr<Verb> make_init_verb();
std::unique_ptr<Verb> make_check_verb();
std::unique_ptr<Verb> make_status_verb();
std::unique_ptr<Verb> make_publish_verb();
std::unique_ptr<Verb> make_archive_verb();
std::unique_ptr<Verb> make_load_verb();
std::unique_ptr<Verb> make_run_verb();
std::unique_ptr<Verb> make_groups_verb();
std::unique_ptr<Verb> make_consume_verb();
std::unique_ptr<Verb> make_sql_verb();
std::unique_ptr<Verb> make_ls_verb();
std::unique_ptr<Verb> make_du_verb();
std::unique_ptr<Verb> make_cat_verb();
std::unique_ptr<Verb> make_get_verb();
std::unique_ptr<Verb> make_export_verb();
std::unique_ptr<Verb> make_put_verb();
std::unique_ptr<Verb> make_gaps_verb();
std::unique_ptr<Verb> make_ack_verb();
std::unique_ptr<Verb> make_adopt_verb();
std::unique_ptr<Verb> make_recover_verb();
std::unique_ptr<Verb> make_verify_verb();
std::unique_ptr<Verb> make_repair_verb();
std::unique_ptr<Verb> make_audit_verb();
std::unique_ptr<Verb> make_copy_verb();
std::unique_ptr<Verb> make_completion_verb();

std::vector<std::unique_ptr<Verb>> all_verbs();

}  // namespace changevault
