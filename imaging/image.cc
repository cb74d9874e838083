#include "imaging/image.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/status.h"
#include "imaging/jpeg_scans.h"
#include "imaging/opencv.h"
#include "opencv2/imgcodecs.hpp"
#include "opencv2/imgproc.hpp"

namespace proctor::imaging {
namespace {

bool IsConsistent(const Image& image) {
  return image.width_px > 0 && image.height_px > 0 &&
         image.bgra.size() == size_t{4} * image.width_px * image.height_px;
}

absl::Status Inconsistent() {
  return absl::InvalidArgumentError("picture whose pixels do not fit its size");
}

bool IsOpaque(const Image& image) {
  for (size_t i = 3; i < image.bgra.size(); i += 4) {
    if (image.bgra[i] != 255) return false;
  }
  return true;
}

Image FromMat(const cv::Mat& mat) {
  Image image;
  image.width_px = mat.cols;
  image.height_px = mat.rows;
  image.bgra.resize(size_t{4} * mat.cols * mat.rows);
  cv::Mat target = ViewOf(image);
  mat.copyTo(target);
  return image;
}

absl::StatusOr<Image> FromDecoded(cv::Mat decoded) {
  if (decoded.empty()) return absl::InvalidArgumentError("broken picture");
  if (decoded.depth() == CV_16U) decoded.convertTo(decoded, CV_8U, 1.0 / 257);
  if (decoded.depth() != CV_8U)
    return absl::InvalidArgumentError("picture with an unknown pixel format");
  cv::Mat bgra;
  switch (decoded.channels()) {
    case 1:
      cv::cvtColor(decoded, bgra, cv::COLOR_GRAY2BGRA);
      break;
    case 3:
      cv::cvtColor(decoded, bgra, cv::COLOR_BGR2BGRA);
      break;
    case 4:
      bgra = decoded;
      break;
    default:
      return absl::InvalidArgumentError("picture with an unknown number of channels");
  }
  return FromMat(bgra);
}

std::vector<int> Parameters(const EncodeOptions& options) {
  const int quality = std::clamp(options.quality, 1, 100);
  switch (options.format) {
    case Format::kJpeg:
      return {cv::IMWRITE_JPEG_QUALITY, quality};
    case Format::kWebp:
      return {cv::IMWRITE_WEBP_QUALITY, quality};
    case Format::kPng:
      break;
  }
  return {cv::IMWRITE_PNG_COMPRESSION, std::clamp(options.png_level, 1, 9)};
}

std::string_view Extension(Format format) {
  switch (format) {
    case Format::kJpeg:
      return ".jpg";
    case Format::kWebp:
      return ".webp";
    case Format::kPng:
      break;
  }
  return ".png";
}

}  // namespace

absl::StatusOr<Image> Decode(std::string_view encoded) {
  PROCTOR_ASSIGN_OR_RETURN(const ImageInfo info, Probe(encoded));
  if (info.format == Format::kJpeg && CountJpegScans(encoded) > kMaxJpegScans) {
    return absl::ResourceExhaustedError(absl::StrCat("picture of more than ", kMaxJpegScans, " scans"));
  }
  try {
    const cv::Mat bytes(1, static_cast<int>(encoded.size()), CV_8U,
                        const_cast<char*>(encoded.data()));
    return FromDecoded(cv::imdecode(bytes, cv::IMREAD_UNCHANGED));
  } catch (const std::exception&) {
    return absl::InvalidArgumentError("broken picture");
  }
}

absl::StatusOr<std::string> Encode(const Image& image, const EncodeOptions& options) {
  if (!IsConsistent(image)) return Inconsistent();
  try {
    cv::Mat pixels = ViewOf(image);
    if (options.format == Format::kJpeg || IsOpaque(image)) {
      cv::Mat bgr;
      cv::cvtColor(pixels, bgr, cv::COLOR_BGRA2BGR);
      pixels = bgr;
    }
    std::vector<uchar> encoded;
    if (!cv::imencode(std::string(Extension(options.format)), pixels, encoded,
                      Parameters(options))) {
      return absl::InternalError("the picture could not be encoded");
    }
    return std::string(encoded.begin(), encoded.end());
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("the picture could not be encoded: ", e.what()));
  }
}

std::string PixelHash(const Image& image) {
  std::string bytes = absl::StrCat(image.width_px, "x", image.height_px, ":");
  bytes.append(reinterpret_cast<const char*>(image.bgra.data()), image.bgra.size());
  return Sha256Hex(bytes);
}

absl::StatusOr<Image> Scale(const Image& image, int width_px, int height_px) {
  if (!IsConsistent(image)) return Inconsistent();
  if (width_px < 1 || height_px < 1 || width_px > kMaxSidePx || height_px > kMaxSidePx ||
      int64_t{width_px} * height_px > kMaxPixels) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot scale to ", width_px, " x ", height_px, " pixels"));
  }
  try {
    const bool shrinks = width_px < image.width_px && height_px < image.height_px;
    cv::Mat scaled;
    cv::resize(ViewOf(image), scaled, cv::Size(width_px, height_px), 0, 0,
               shrinks ? cv::INTER_AREA : cv::INTER_LINEAR);
    return FromMat(scaled);
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("the picture could not be scaled: ", e.what()));
  }
}

absl::StatusOr<Difference> Diff(const Image& before, const Image& after, int tolerance) {
  if (!IsConsistent(before) || !IsConsistent(after)) return Inconsistent();
  if (before.width_px != after.width_px || before.height_px != after.height_px) {
    return absl::InvalidArgumentError(absl::StrCat("pictures of different sizes: ", before.width_px,
                                                   " x ", before.height_px, " and ", after.width_px,
                                                   " x ", after.height_px));
  }
  Difference difference;
  int left = before.width_px, top = before.height_px, right = -1, bottom = -1;
  const size_t row_bytes = size_t{4} * before.width_px;
  for (int y = 0; y < before.height_px; ++y) {
    const uint8_t* a = before.bgra.data() + y * row_bytes;
    const uint8_t* b = after.bgra.data() + y * row_bytes;
    if (std::memcmp(a, b, row_bytes) == 0) continue;
    for (int x = 0; x < before.width_px; ++x) {
      int largest = 0;
      for (int c = 0; c < 4; ++c)
        largest = std::max(largest, std::abs(a[4 * x + c] - b[4 * x + c]));
      if (largest <= tolerance) continue;
      ++difference.changed_pixels;
      left = std::min(left, x);
      right = std::max(right, x);
      top = std::min(top, y);
      bottom = std::max(bottom, y);
    }
  }
  if (difference.changed_pixels > 0) {
    difference.x_px = left;
    difference.y_px = top;
    difference.width_px = right - left + 1;
    difference.height_px = bottom - top + 1;
  }
  return difference;
}

}  // namespace proctor::imaging
