// Xlib, without those of its macros that are other people's names. Include it after everything else.
#ifndef PROCTOR_ENV_DESKTOP_GUEST_X11_H_
#define PROCTOR_ENV_DESKTOP_GUEST_X11_H_

#include <X11/Xatom.h>
#include <X11/Xlib.h>
#include <X11/Xutil.h>

#undef Bool
#undef Status

#endif  // PROCTOR_ENV_DESKTOP_GUEST_X11_H_
