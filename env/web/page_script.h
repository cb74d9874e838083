// The script that runs in an isolated world of every frame. Its source is in page_script/; the
// build joins the parts.
#ifndef PROCTOR_ENV_WEB_PAGE_SCRIPT_H_
#define PROCTOR_ENV_WEB_PAGE_SCRIPT_H_

#include <string_view>

namespace proctor::env::web {

// Defines the global `proctorPage` in its world; running it twice does no harm.
std::string_view PageScript();

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_PAGE_SCRIPT_H_
