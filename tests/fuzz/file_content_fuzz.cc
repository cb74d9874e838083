// Files that agents left behind, and what oracles ask of them. The first byte chooses the reader.
#include "common/json.h"
#include "evaluator/csv.h"
#include "evaluator/ini.h"
#include "evaluator/sql_shape.h"
#include "evaluator/value_check.h"
#include "tests/fuzz/input.h"

namespace {

void CheckFile(proctor::v1::FileCheck::Format format, std::string_view text) {
  proctor::v1::FileCheck check;
  check.set_path("a");
  check.set_format(format);
  check.mutable_match()->set_truthy(true);
  const std::string evidence = proctor::DumpJson({{"exists", true}, {"text", std::string(text)}});
  const proctor::evaluator::Score score = proctor::evaluator::ScoreFile(check, evidence);
  proctor::fuzz::Require(score.determined, "a file that is there is decided");
  // The evidence itself can be anything, too.
  proctor::evaluator::ScoreFile(check, text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text = proctor::fuzz::View(data + 1, size - 1);
  switch (data[0] % 5) {
    case 0: {
      const auto json = proctor::evaluator::IniToJson(text);
      proctor::fuzz::Require(!json.ok() || proctor::ParseJson(*json).ok(), "what an INI file says is JSON");
      break;
    }
    case 1: {
      const auto json = proctor::evaluator::CsvToJson(text);
      proctor::fuzz::Require(!json.ok() || proctor::ParseJson(*json).ok(), "what a CSV file says is JSON");
      break;
    }
    case 2:
      static_cast<void>(proctor::evaluator::ValidateOneSelect(text));
      break;
    case 3:
      CheckFile(proctor::v1::FileCheck::FORMAT_JSON, text);
      break;
    default:
      CheckFile(proctor::v1::FileCheck::FORMAT_CSV, text);
  }
  return 0;
}
