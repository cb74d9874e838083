// Processes that this one started, directly or not.
#ifndef PROCTOR_TESTS_ENV_DESKTOP_PROCESS_FAMILY_H_
#define PROCTOR_TESTS_ENV_DESKTOP_PROCESS_FAMILY_H_

#include <dirent.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace proctor::env::desktop {

struct FamilyMember {
  pid_t pid = 0;
  std::string name;
};

// Those that descend from `root` and have not ended.
inline std::vector<FamilyMember> DescendantsOf(pid_t root) {
  struct Entry {
    pid_t parent = 0;
    std::string name;
    char state = '?';
  };
  std::map<pid_t, Entry> all;
  DIR* folder = opendir("/proc");
  while (const dirent* file = folder == nullptr ? nullptr : readdir(folder)) {
    const int pid = std::atoi(file->d_name);
    if (pid <= 0) continue;
    std::ifstream stat("/proc/" + std::string(file->d_name) + "/stat");
    std::stringstream text;
    text << stat.rdbuf();
    const std::string line = text.str();
    const size_t open = line.find('('), close = line.rfind(')');
    if (open == std::string::npos || close == std::string::npos) continue;
    std::istringstream rest(line.substr(close + 1));
    Entry entry;
    rest >> entry.state >> entry.parent;
    entry.name = line.substr(open + 1, close - open - 1);
    all[pid] = entry;
  }
  if (folder != nullptr) closedir(folder);
  std::set<pid_t> family = {root};
  std::vector<FamilyMember> found;
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& [pid, entry] : all) {
      if (family.count(pid) > 0 || family.count(entry.parent) == 0) continue;
      family.insert(pid);
      grown = true;
      if (entry.state != 'Z') found.push_back({pid, entry.name});
    }
  }
  return found;
}

inline std::vector<FamilyMember> Descendants() { return DescendantsOf(getpid()); }

}  // namespace proctor::env::desktop

#endif  // PROCTOR_TESTS_ENV_DESKTOP_PROCESS_FAMILY_H_
