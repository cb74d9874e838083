#include "trajectory/folder_format.h"

#include <memory>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/status.h"
#include "common/strings.h"
#include "trajectory/record_form.h"

namespace proctor::trajectory {
namespace {

constexpr std::string_view kBinaryPrefix = "{\"binary\":";

bool IsExtension(std::string_view text) {
  return text == "png" || text == "jpg" || text == "webp" || text == "bin";
}

absl::Status Malformed(std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("malformed ", ToAbsl(what)));
}

absl::StatusOr<BlobEntry> EntryFromJson(const Json& json) {
  BlobEntry entry{.digest = JsonStringOr(json, "digest"),
                  .extension = JsonStringOr(json, "extension"),
                  .size_bytes = 0,
                  .content_digest = JsonStringOr(json, "content_digest")};
  const auto size = json.is_object() ? json.find("size_bytes") : json.end();
  if (!json.is_object() || size == json.end() || !size->is_number_integer()) {
    return Malformed("blobs.json: an entry without size_bytes");
  }
  entry.size_bytes = size->get<int64_t>();
  const bool content_ok = entry.content_digest.empty() || IsDigest(entry.content_digest);
  if (!IsDigest(entry.digest) || !content_ok || !IsExtension(entry.extension) ||
      entry.size_bytes < 0) {
    return Malformed("blobs.json: digest, extension or size_bytes");
  }
  return entry;
}

}  // namespace

std::string MessageToText(const google::protobuf::Message& message, JsonLayout layout) {
  const std::string canonical = ProtoCanonicalBytes(message);
  // Protobuf prints map entries in no order; this JSON sorts all keys.
  const absl::StatusOr<Json> json = ParseJson(ProtoToJson(message));
  if (json.ok()) {
    const int indent = layout == JsonLayout::kIndented ? 1 : -1;
    std::string text = json->dump(indent, ' ', false, Json::error_handler_t::replace);
    const std::unique_ptr<google::protobuf::Message> back(message.New());
    if (ProtoFromJson(text, *back).ok() && ProtoCanonicalBytes(*back) == canonical) return text;
  }
  return absl::StrCat(ToAbsl(kBinaryPrefix), "\"", absl::Base64Escape(canonical), "\"}");
}

absl::Status MessageFromText(std::string_view text, google::protobuf::Message& message) {
  if (!text.starts_with(kBinaryPrefix)) return ProtoFromJson(text, message);
  PROCTOR_ASSIGN_OR_RETURN(const Json json, ParseJson(text));
  std::string bytes;
  if (!absl::Base64Unescape(JsonStringOr(json, "binary"), &bytes) ||
      !message.ParseFromString(bytes)) {
    return Malformed("binary message");
  }
  return absl::OkStatus();
}

std::string BlobFileName(const BlobEntry& entry) {
  return absl::StrCat(entry.digest, ".", entry.extension);
}

std::string ExtensionOf(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return "png";
  if (bytes.starts_with("\xff\xd8\xff")) return "jpg";
  if (bytes.size() >= 12 && bytes.starts_with("RIFF") && bytes.substr(8, 4) == "WEBP") return "webp";
  return "bin";
}

std::string BlobListToText(const std::vector<BlobEntry>& entries) {
  Json list = Json::array();
  for (const BlobEntry& entry : entries) {
    Json json = {{"digest", entry.digest},
                 {"extension", entry.extension},
                 {"size_bytes", entry.size_bytes}};
    if (!entry.content_digest.empty()) json["content_digest"] = entry.content_digest;
    list.push_back(std::move(json));
  }
  return Json({{"blobs", std::move(list)}}).dump(1) + "\n";
}

absl::StatusOr<std::vector<BlobEntry>> BlobListFromText(std::string_view text) {
  PROCTOR_ASSIGN_OR_RETURN(const Json json, ParseJson(text));
  const auto list = json.is_object() ? json.find("blobs") : json.end();
  if (!json.is_object() || list == json.end() || !list->is_array()) return Malformed("blobs.json");
  std::vector<BlobEntry> entries;
  std::set<std::string> seen;
  for (const Json& item : *list) {
    PROCTOR_ASSIGN_OR_RETURN(BlobEntry entry, EntryFromJson(item));
    if (!seen.insert(entry.digest).second) return Malformed("blobs.json: a digest twice");
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string ExportListToText(const std::vector<std::string>& ids) {
  return Json({{"format_version", kFolderVersion}, {"trajectories", ids}}).dump(1) + "\n";
}

absl::StatusOr<std::vector<std::string>> ExportListFromText(std::string_view text) {
  PROCTOR_ASSIGN_OR_RETURN(const Json json, ParseJson(text));
  if (JsonNumberOr(json, "format_version") != kFolderVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("export.json has not format_version ", kFolderVersion));
  }
  const auto list = json.find("trajectories");
  if (list == json.end() || !list->is_array()) return Malformed("export.json");
  std::vector<std::string> ids;
  for (const Json& item : *list) {
    if (!item.is_string()) return Malformed("export.json");
    const std::string id = item.get<std::string>();
    PROCTOR_RETURN_IF_ERROR(ResourceId("trajectories", ResourceName("trajectories", id)).status());
    ids.push_back(id);
  }
  return ids;
}

}  // namespace proctor::trajectory
