// The version of this build.
#ifndef PROCTOR_SERVER_VERSION_H_
#define PROCTOR_SERVER_VERSION_H_

namespace proctor::server {

inline constexpr char kVersion[] = PROCTOR_VERSION;

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_VERSION_H_
