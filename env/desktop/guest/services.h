// What makes a desktop: D-Bus, the X server that is also the VNC server, the accessibility bus, the window manager.
#ifndef PROCTOR_ENV_DESKTOP_GUEST_SERVICES_H_
#define PROCTOR_ENV_DESKTOP_GUEST_SERVICES_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "env/desktop/guest/accessibility.h"
#include "env/desktop/guest/x_display.h"

namespace proctor::env::desktop::guest {

struct ServicesOptions {
  int width = 1280;
  int height = 800;
  std::string time_zone = "UTC";
  std::string locale = "C.UTF-8";
  // Started in order; one must be a window manager.
  std::vector<std::vector<std::string>> startup;
  std::string home;
  // Sockets and settings; this user's alone.
  std::string runtime;
  // The X display's number, and those after it if it is taken; -1: the first free one, where nobody else has a /tmp to leave files in.
  int display = -1;
};

class Services {
 public:
  // UNAVAILABLE or NOT_FOUND: one of them does not start; the message says which.
  static absl::StatusOr<std::unique_ptr<Services>> Start(ServicesOptions options, absl::Time deadline);

  // A connection to the VNC server. The caller owns it.
  absl::StatusOr<int> ConnectRfb() const;

  // Whether one of these is what the desktop cannot be without.
  bool IsEssential(pid_t pid) const { return essential_.contains(pid); }
  // What programs run with.
  const std::map<std::string, std::string>& environment() const { return environment_; }
  const std::string& home() const { return options_.home; }
  XDisplay& display() { return *display_; }
  Accessibility& accessibility() { return *accessibility_; }

 private:
  explicit Services(ServicesOptions options) : options_(std::move(options)) {}

  absl::Status WriteSettings();
  absl::Status StartBus();
  absl::Status StartDisplay(absl::Time deadline);
  // The display's number; UNAVAILABLE: it does not start.
  absl::StatusOr<std::string> StartXvnc(int number, absl::Time deadline);
  absl::Status RunStartup();
  // Starts it with a pipe as its descriptor 3 and gives that pipe's other end.
  absl::StatusOr<int> StartWithPipe(std::vector<std::string> arguments);

  const ServicesOptions options_;
  std::map<std::string, std::string> environment_;
  std::set<pid_t> essential_;
  std::string bus_address_;
  std::string rfb_path_;
  std::unique_ptr<XDisplay> display_;
  std::unique_ptr<Accessibility> accessibility_;
};

}  // namespace proctor::env::desktop::guest

#endif  // PROCTOR_ENV_DESKTOP_GUEST_SERVICES_H_
