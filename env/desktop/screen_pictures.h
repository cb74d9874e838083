// Pictures of a screen, encoded. A screen that has not changed costs nothing.
#ifndef PROCTOR_ENV_DESKTOP_SCREEN_PICTURES_H_
#define PROCTOR_ENV_DESKTOP_SCREEN_PICTURES_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "env/desktop/element_list.h"
#include "env/desktop/rfb_client.h"
#include "imaging/image.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::env::desktop {

// One episode's. One thread.
class ScreenPictures {
 public:
  // The screen as it stands, with bytes and digest. `elements`: whose marks are drawn, if the options ask for it.
  absl::StatusOr<v1::Image> Take(const RfbClient& screen, const v1::ScreenshotOptions& options, const ElementList& elements);
  // The screen's pixels as they stand.
  const imaging::Image& Pixels(const RfbClient& screen);

 private:
  imaging::Image pixels_;
  uint64_t count_ = 0;
  // Encodings of `pixels_` without marks, by format and quality.
  struct Known {
    v1::ScreenshotOptions options;
    v1::Image image;
  };
  std::vector<Known> known_;
};

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_SCREEN_PICTURES_H_
