// Every recording of a real server in the shared data, where there is one: each must mean what the table says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "model/retry.h"
#include "model/wire.h"

namespace proctor::model {
namespace {

namespace fs = std::filesystem;

// Where recordings are: $PROCTOR_SHARED_DATA or beside the source tree.
fs::path Root() {
  const char* data = std::getenv("PROCTOR_SHARED_DATA");
  return fs::path(data != nullptr ? data : std::string(PROCTOR_SOURCE_DIR) + "/../shared/data") / "http";
}

struct Recorded {
  // File and number of the reply in it.
  std::string name;
  std::string uri;
  int status = 0;
  Headers headers;
  std::string body;
  bool images = false;
};

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string Scalar(const YAML::Node& node) {
  if (!node || !node.IsScalar()) return "";
  if (node.Tag() != "!binary" && node.Tag() != "tag:yaml.org,2002:binary") return node.Scalar();
  const auto binary = node.as<YAML::Binary>();
  return std::string(reinterpret_cast<const char*>(binary.data()), binary.size());
}

// Cassettes of Ruby's VCR and of Python's differ a little.
std::vector<Recorded> ReadCassette(const fs::path& path) {
  const YAML::Node cassette = YAML::LoadFile(path.string());
  const YAML::Node items = cassette["http_interactions"] ? cassette["http_interactions"] : cassette["interactions"];
  std::vector<Recorded> found;
  for (size_t i = 0; i < items.size(); ++i) {
    const YAML::Node request = items[i]["request"], response = items[i]["response"];
    Recorded recorded;
    recorded.name = absl::StrCat(path.stem().string(), "#", i);
    recorded.uri = Scalar(request["uri"]);
    recorded.status = response["status"]["code"].as<int>();
    recorded.body = Scalar(response["body"]["string"]);
    const std::string asked = request["body"].IsScalar() ? Scalar(request["body"]) : Scalar(request["body"]["string"]);
    recorded.images = absl::StrContains(asked, "image_url") || absl::StrContains(asked, "\"image\"");
    for (const auto& header : response["headers"]) {
      std::string name = header.first.as<std::string>();
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      const YAML::Node& value = header.second;
      recorded.headers.emplace_back(name, value.IsSequence() && value.size() > 0 ? Scalar(value[0]) : Scalar(value));
    }
    found.push_back(std::move(recorded));
  }
  return found;
}

std::vector<Recorded> ReadAll() {
  std::vector<Recorded> all;
  for (const auto& entry : fs::recursive_directory_iterator(Root())) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".bin") {
      Recorded stream;
      stream.name = entry.path().stem().string().substr(0, 8);
      stream.status = 200;
      stream.body = ReadFile(entry.path());
      all.push_back(std::move(stream));
    } else if (extension == ".yml" || extension == ".yaml") {
      for (Recorded& recorded : ReadCassette(entry.path())) all.push_back(std::move(recorded));
    }
  }
  return all;
}

// What one means in short: the failure of the call, or of each choice, "OK" for none.
std::string Meaning(const Recorded& recorded) {
  const v1::ModelWire wire =
      absl::StrContains(recorded.uri, "/v1/messages") ? v1::MODEL_WIRE_ANTHROPIC_MESSAGES : v1::MODEL_WIRE_OPENAI_CHAT;
  const ChatReply reply =
      DecodeReply(wire, LooksStreamed(recorded.body), recorded.status, recorded.body, recorded.images);
  const auto name = [](v1::ModelFailure failure) {
    return failure == v1::MODEL_FAILURE_UNSPECIFIED ? "OK" : v1::ModelFailure_Name(failure).substr(14);
  };
  if (reply.call.failure() != v1::MODEL_FAILURE_UNSPECIFIED) return name(reply.call.failure());
  std::string meaning;
  for (const Choice& choice : reply.choices) {
    absl::StrAppend(&meaning, meaning.empty() ? "" : " ", name(choice.failure), ":", choice.text.size(), ":",
                    choice.reasoning.size(), ":", choice.tokens.size());
  }
  return absl::StrCat(meaning, " ", reply.call.usage().input_tokens(), "/", reply.call.usage().output_tokens());
}

// Recording, and what it means: failures; or for each choice its failure, bytes of text, bytes of reasoning and tokens
// with log-probabilities, then tokens in and out. What other APIs than chat sent is MALFORMED here; their errors keep
// their reasons.
const std::map<std::string, std::string>& Table() {
  static const auto& table = *new std::map<std::string, std::string>{
#include "recordings_table.inc"
  };
  return table;
}

TEST(RecordingsTest, EachMeansWhatTheTableSays) {
  if (!fs::exists(Root())) GTEST_SKIP() << Root() << " is not there; set PROCTOR_SHARED_DATA to the folder with http/";
  size_t known = 0;
  for (const Recorded& recorded : ReadAll()) {
    const auto expected = Table().find(recorded.name);
    if (expected == Table().end()) {
      ADD_FAILURE() << "no expectation for {\"" << recorded.name << "\", \"" << Meaning(recorded) << "\"},";
      continue;
    }
    ++known;
    EXPECT_EQ(Meaning(recorded), expected->second) << recorded.name;
  }
  EXPECT_EQ(known, Table().size());
}

TEST(RecordingsTest, DelaysThatServersAskedForAreFound) {
  if (!fs::exists(Root())) GTEST_SKIP() << Root() << " is not there; set PROCTOR_SHARED_DATA to the folder with http/";
  int found = 0;
  for (const Recorded& recorded : ReadAll()) {
    if (recorded.status != 429) continue;
    const auto delay = AskedDelay(recorded.headers, recorded.body, absl::UnixEpoch());
    const bool azure = absl::StrContains(recorded.name, "azure");
    EXPECT_EQ(delay, azure ? absl::Seconds(1) : absl::Seconds(48)) << recorded.name;
    ++found;
  }
  EXPECT_EQ(found, 2);
}

}  // namespace
}  // namespace proctor::model
