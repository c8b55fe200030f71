// A page of the documentation whose commands can be run: Markdown, in which
//   ```console … ```   holds commands ("$ …", gone on in lines that begin with "> ") and what each printed,
//   standard output
//                      and error together; where the exit code is not 0, the last line says "exit code N";
//   <!-- before … -->  is a script that makes the situation first; nothing of it is shown;
//   <!-- empty -->     says that the page begins without a vault.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace changevault::testing {

struct PageStep {
  std::string command;             // as a shell takes it
  std::vector<std::string> shown;  // its lines in the page, "$ " and all
  std::vector<std::string> output;
};

// A stretch of a page: text that is kept as it is, a script to run unseen, or steps.
struct PagePart {
  std::string text;
  std::string before;
  std::vector<PageStep> steps;
};

struct Page {
  bool empty = false;
  std::vector<PagePart> parts;
};

// Throws std::runtime_error, with the line, where the page is not of this form.
Page parse_page(std::string_view text);
std::string to_text(const Page& page);

}  // namespace changevault::testing
