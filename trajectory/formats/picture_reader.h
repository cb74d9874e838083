// Puts the pictures of a run into its observations.
#ifndef PROCTOR_TRAJECTORY_FORMATS_PICTURE_READER_H_
#define PROCTOR_TRAJECTORY_FORMATS_PICTURE_READER_H_

#include <string>

#include "trajectory/formats/findings.h"
#include "trajectory/formats/run.h"

namespace proctor::trajectory::formats {

class PictureReader {
 public:
  // All outlive the reader.
  PictureReader(const RunFiles& files, Run& run, Findings& findings)
      : files_(files), run_(run), findings_(findings) {}

  // A file that is missing, leads out of the folder or is no picture is a failure at `where`.
  void Read(const std::string& path, const std::string& where, v1::Observation& observation);
  // The same, but the file may be missing: false.
  bool ReadIfThere(const std::string& path, const std::string& where, v1::Observation& observation);

 private:
  const RunFiles& files_;
  Run& run_;
  Findings& findings_;
};

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_PICTURE_READER_H_
