// What a desktop would tell of itself right after a task's start: evidence without a desktop.
#ifndef PROCTOR_TESTS_ENV_DESKTOP_PRACTICE_START_EVIDENCE_H_
#define PROCTOR_TESTS_ENV_DESKTOP_PRACTICE_START_EVIDENCE_H_

#include <map>
#include <set>
#include <string>

#include "common/json.h"
#include "proctor/v1/oracle.pb.h"
#include "proctor/v1/task.pb.h"

namespace proctor::env::desktop_practice {

inline Json FileAtStart(const v1::DesktopStart& start, const std::string& path) {
  if (path == ".") {
    std::set<std::string> names;
    for (const v1::DesktopFile& file : start.files()) {
      if (file.path()[0] != '.') names.insert(file.path());
    }
    return {{"exists", false}, {"instead", "directory"}, {"names", names}, {"hidden", Json::array()}};
  }
  for (const v1::DesktopFile& file : start.files()) {
    if (file.path() == path) return {{"exists", true}, {"size", file.content().size()}, {"text", file.content()}};
  }
  return {{"exists", false}};
}

// The default applications: their processes and WM_CLASS.
inline std::pair<std::string, std::string> ProgramOf(const std::string& application) {
  static const auto& programs = *new std::map<std::string, std::pair<std::string, std::string>>{
      {"calculator", {"galculator", "Galculator"}}, {"editor", {"mousepad", "Mousepad"}},
      {"files", {"thunar", "Thunar"}}, {"spreadsheet", {"gnumeric", "Gnumeric"}}};
  return programs.at(application);
}

inline Json ValueAtStart(const v1::DesktopStart& start, const v1::EvidenceRequest& request) {
  if (request.has_file()) return FileAtStart(start, request.file().path());
  if (request.has_clipboard()) return "";
  Json processes = Json::array({"Xvnc", "dbus-daemon", "openbox"}), windows = Json::array();
  for (const v1::DesktopLaunch& launch : start.launches()) {
    const auto [program, window] = ProgramOf(launch.application());
    processes.push_back(program);
    const std::string title = launch.files().empty() ? program : "~/" + launch.files(0);
    windows.insert(windows.begin(), Json{{"title", title}, {"application", window}});
  }
  return request.has_processes() ? processes : windows;
}

// As collected before the first action (`at_start`) or after a last one that changed nothing.
inline v1::Evidence EvidenceAtStart(const v1::Task& task, const v1::EvidenceRequest& request, bool at_start) {
  v1::Evidence evidence;
  evidence.set_request_id(request.id());
  evidence.set_at_start(at_start);
  evidence.add_json_values(DumpJson(ValueAtStart(task.start_state().desktop(), request)));
  return evidence;
}

}  // namespace proctor::env::desktop_practice

#endif  // PROCTOR_TESTS_ENV_DESKTOP_PRACTICE_START_EVIDENCE_H_
