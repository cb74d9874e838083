#include "trajectory/formats/picture_reader.h"

#include <utility>

namespace proctor::trajectory::formats {

void PictureReader::Read(const std::string& path, const std::string& where,
                         v1::Observation& observation) {
  if (!ReadIfThere(path, where, observation)) {
    findings_.Fail(where, "names the picture " + path + ", which is missing");
  }
}

bool PictureReader::ReadIfThere(const std::string& path, const std::string& where,
                                v1::Observation& observation) {
  absl::StatusOr<v1::Image> image = files_.ReadPicture(path);
  if (absl::IsNotFound(image.status())) return false;
  if (!image.ok()) {
    findings_.Fail(where, image.status());
    return true;
  }
  run_.pictures.emplace(image->digest(), path);
  *observation.mutable_screenshot() = *std::move(image);
  return true;
}

}  // namespace proctor::trajectory::formats
