// Where desktops look for programs.
#ifndef PROCTOR_ENV_DESKTOP_GUEST_PATHS_H_
#define PROCTOR_ENV_DESKTOP_GUEST_PATHS_H_

namespace proctor::env::desktop {

inline constexpr char kProgramPath[] = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games";

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_GUEST_PATHS_H_
