// What differs between two configurations.
#ifndef PROCTOR_SERVER_CHANGED_SETTINGS_H_
#define PROCTOR_SERVER_CHANGED_SETTINGS_H_

#include <string>
#include <vector>

#include "proctor/v1/config.pb.h"

namespace proctor::server {

// The names of the top-level settings that differ, in the order of their declaration.
std::vector<std::string> ChangedSettings(const v1::ServerConfig& before, const v1::ServerConfig& after);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_CHANGED_SETTINGS_H_
