#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "evaluator/judge/slot_content.h"
#include "imaging/action_overlay.h"
#include "imaging/image.h"
#include "imaging/lossless_webp.h"

namespace proctor::evaluator {
namespace {

// Where the step acted, in pixels of a picture that shows the viewport.
imaging::ActionPlace PlaceOf(const v1::Step& step, const Screenshot& screenshot) {
  const v1::Observation& observation = *screenshot.observation;
  const int viewport_px = observation.viewport().width();
  const double scale = viewport_px > 0 ? 1.0 * observation.screenshot().width_px() / viewport_px : 1;
  imaging::ActionPlace place;
  if (step.has_target_box()) {
    const v1::Rect& box = step.target_box();
    place.box = {.x = box.x() * scale, .y = box.y() * scale, .width = box.width() * scale, .height = box.height() * scale};
  }
  if (step.has_target_point()) {
    place.point = {.x = step.target_point().x() * scale, .y = step.target_point().y() * scale};
  }
  if (step.has_release_point()) {
    place.release = {.x = step.release_point().x() * scale, .y = step.release_point().y() * scale};
  }
  return place;
}

absl::StatusOr<std::string> WithAction(const std::string& encoded, const imaging::ActionPlace& place) {
  PROCTOR_ASSIGN_OR_RETURN(imaging::Image image, imaging::Decode(encoded));
  imaging::DrawAction(place, image);
  return imaging::Encode(image, {});
}

}  // namespace

absl::StatusOr<model::ImagePart> LoadPicture(const CallContext& context, const Screenshot& screenshot, bool draw_action,
                                             const PromptSources& sources) {
  const std::string& digest = screenshot.observation->screenshot().digest();
  absl::StatusOr<std::string> bytes = sources.blobs.Get(context, digest);
  if (bytes.ok() && screenshot.observation->screenshot().format() != v1::IMAGE_FORMAT_WEBP) {
    // Recompression may have made a PNG a WebP, which not every model server reads (llama.cpp's does not).
    bytes = imaging::PngInsteadOfWebp(*std::move(bytes));
  }
  PROCTOR_RETURN_IF_ERROR(Annotate(bytes.status(), absl::StrCat("screenshot ", screenshot.number)));
  const int next_step = screenshot.after_step + 1;
  if (draw_action && next_step < sources.view.step_count()) {
    const imaging::ActionPlace place = PlaceOf(sources.view.trajectory().steps(next_step), screenshot);
    if (place.box.has_value() || place.point.has_value()) {
      PROCTOR_ASSIGN_OR_RETURN(std::string drawn, WithAction(*bytes, place));
      return model::ImagePart{.bytes = std::move(drawn), .digest = ""};
    }
  }
  return model::ImagePart{.bytes = *std::move(bytes), .digest = digest};
}

}  // namespace proctor::evaluator
