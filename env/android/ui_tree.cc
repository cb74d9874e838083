#include "env/android/ui_tree.h"

#include <expat.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/android/pause.h"
#include "re2/re2.h"

namespace proctor::env::android {
namespace {

// One dump may take its time: uiautomator waits up to 10 s for the screen to be idle.
constexpr absl::Duration kDumpCap = absl::Seconds(15);
constexpr absl::Duration kRetry = absl::Milliseconds(100);
// Text of one attribute; a whole book may stand in a text field.
constexpr size_t kMaxAttribute = 64 << 10;

// Written to a file: not every device lets uiautomator write to its output. Nothing is left behind.
constexpr char kDumpCommand[] =
    "rm -f /data/local/tmp/proctor_ui.xml; uiautomator dump /data/local/tmp/proctor_ui.xml >&2; "
    "cat /data/local/tmp/proctor_ui.xml; rm -f /data/local/tmp/proctor_ui.xml";

struct ParserState {
  UiTree tree;
  // Indices of the open nodes.
  std::vector<int> open;
  // How many children each open node (and the root, first) has so far.
  std::vector<int> children = {0};
  bool hierarchy = false;
  absl::Status failure;
  XML_Parser parser = nullptr;
};

void Stop(ParserState& state, absl::Status failure) {
  if (state.failure.ok()) state.failure = std::move(failure);
  XML_StopParser(state.parser, XML_FALSE);
}

bool ParseBounds(const char* text, UiNode& node) {
  static const re2::RE2* const kBounds = new re2::RE2("\\[(-?\\d{1,7}),(-?\\d{1,7})\\]\\[(-?\\d{1,7}),(-?\\d{1,7})\\]");
  return re2::RE2::FullMatch(text, *kBounds, &node.left, &node.top, &node.right, &node.bottom);
}

std::string ShortClass(const std::string& name) {
  const size_t at = name.find_last_of(".$");
  return at == std::string::npos ? name : name.substr(at + 1);
}

// FNV-1a. A clash makes one mark go to the wrong of two nodes that are alike in everything else.
uint64_t PathOf(uint64_t above, std::string_view kind, int position) {
  uint64_t hash = above ^ 0xcbf29ce484222325;
  for (const unsigned char c : absl::StrCat(ToAbsl(kind), "/", position)) hash = (hash ^ c) * 0x100000001b3;
  return hash;
}

// Texts and flags by attribute's name.
void SetAttribute(const char* name, const char* value, UiNode& node) {
  struct Text {
    const char* name;
    std::string UiNode::*field;
  };
  struct Flag {
    const char* name;
    bool UiNode::*field;
  };
  static constexpr Text kTexts[] = {{"text", &UiNode::text},
                                    {"content-desc", &UiNode::description},
                                    {"class", &UiNode::class_name},
                                    {"resource-id", &UiNode::resource_id},
                                    {"package", &UiNode::package}};
  static constexpr Flag kFlags[] = {
      {"checkable", &UiNode::checkable}, {"checked", &UiNode::checked},       {"clickable", &UiNode::clickable},
      {"enabled", &UiNode::enabled},     {"focusable", &UiNode::focusable},   {"focused", &UiNode::focused},
      {"scrollable", &UiNode::scrollable}, {"long-clickable", &UiNode::long_clickable},
      {"password", &UiNode::password},   {"selected", &UiNode::selected}};
  for (const Text& text : kTexts) {
    if (std::strcmp(name, text.name) == 0) node.*text.field = std::string(TruncateUtf8(value, kMaxAttribute));
  }
  for (const Flag& flag : kFlags) {
    if (std::strcmp(name, flag.name) == 0) node.*flag.field = std::strcmp(value, "true") == 0;
  }
}

void BeginNode(ParserState& state, const char** attributes) {
  if (state.tree.nodes.size() == kMaxUiNodes) return Stop(state, absl::ResourceExhaustedError("a UI dump of over 20000 nodes"));
  if (state.open.size() == static_cast<size_t>(kMaxUiDepth)) return Stop(state, absl::DataLossError("a UI dump nested too deep"));
  UiNode node;
  int index = -1;
  for (const char** at = attributes; *at != nullptr; at += 2) {
    if (std::strcmp(at[0], "index") == 0) {
      if (!absl::SimpleAtoi(at[1], &index)) index = -1;
    } else if (std::strcmp(at[0], "bounds") == 0) {
      if (!ParseBounds(at[1], node)) return Stop(state, absl::DataLossError("a UI dump with malformed bounds"));
    } else {
      SetAttribute(at[0], at[1], node);
    }
  }
  node.depth = static_cast<int>(state.open.size());
  node.parent = state.open.empty() ? -1 : state.open.back();
  const std::string kind = ShortClass(node.class_name).substr(0, 100);
  // Its place among all children; the dump has only those that can be seen.
  if (index < 0) index = state.children.back();
  ++state.children.back();
  node.path = PathOf(node.parent < 0 ? 0 : state.tree.nodes[node.parent].path, kind, index);
  state.open.push_back(static_cast<int>(state.tree.nodes.size()));
  state.children.push_back(0);
  state.tree.nodes.push_back(std::move(node));
}

void OnStart(void* user, const char* name, const char** attributes) {
  ParserState& state = *static_cast<ParserState*>(user);
  if (!state.hierarchy) {
    if (std::strcmp(name, "hierarchy") != 0) return Stop(state, absl::DataLossError("not a UI dump"));
    state.hierarchy = true;
    for (const char** at = attributes; *at != nullptr; at += 2) {
      if (std::strcmp(at[0], "rotation") != 0) continue;
      int rotation = 0;
      if (absl::SimpleAtoi(at[1], &rotation) && rotation >= 0 && rotation <= 3) state.tree.rotation = rotation;
    }
    return;
  }
  if (std::strcmp(name, "node") != 0) return Stop(state, absl::DataLossError("a UI dump with an unknown tag"));
  BeginNode(state, attributes);
}

void OnEnd(void* user, const char* name) {
  ParserState& state = *static_cast<ParserState*>(user);
  if (std::strcmp(name, "node") != 0 || state.open.empty()) return;
  state.open.pop_back();
  state.children.pop_back();
}

void OnDoctype(void* user, const char*, const char*, const char*, int) {
  Stop(*static_cast<ParserState*>(user), absl::DataLossError("a UI dump with a document type"));
}

// uiautomator writes characters that no XML may hold (Android bug 27318): dropped, as newer versions do.
std::string WithoutControls(std::string text) {
  std::erase_if(text, [](unsigned char c) { return c < ' ' && c != '\n' && c != '\r' && c != '\t'; });
  return text;
}

// The device's reason in a line.
absl::Status DumpFailure(const ShellResult& result) {
  const absl::string_view words = absl::StripAsciiWhitespace(result.errors);
  return absl::FailedPreconditionError(absl::StrCat("uiautomator: ", words.empty() ? "no dump" : SanitizeUtf8(TruncateUtf8(ToStd(words), 200))));
}

}  // namespace

bool UiNode::editable() const {
  const std::string kind = ShortClass(class_name);
  return absl::EndsWith(kind, "EditText") || absl::EndsWith(kind, "AutoCompleteTextView") || kind == "TextInputEditText";
}

absl::StatusOr<UiTree> ParseUiTree(std::string_view xml) {
  if (xml.size() > kMaxUiBytes) return absl::ResourceExhaustedError("a UI dump of over 8 MiB");
  const std::string text = WithoutControls(SanitizeUtf8(xml));
  const std::unique_ptr<XML_ParserStruct, void (*)(XML_Parser)> parser(XML_ParserCreate("UTF-8"), &XML_ParserFree);
  if (parser == nullptr) return absl::ResourceExhaustedError("no memory for an XML parser");
  ParserState state;
  state.parser = parser.get();
  XML_SetUserData(parser.get(), &state);
  XML_SetElementHandler(parser.get(), &OnStart, &OnEnd);
  XML_SetStartDoctypeDeclHandler(parser.get(), &OnDoctype);
  const XML_Status parsed = XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE);
  if (!state.failure.ok()) return state.failure;
  if (parsed != XML_STATUS_OK) {
    return absl::DataLossError(absl::StrCat("a UI dump that is no XML: ", XML_ErrorString(XML_GetErrorCode(parser.get()))));
  }
  return std::move(state.tree);
}

absl::StatusOr<UiTree> DumpUi(const CallContext& context, Device& device) {
  absl::Status failure;
  while (true) {
    const absl::StatusOr<ShellResult> result = device.Shell(context.Child(kDumpCap), kDumpCommand, kMaxUiBytes);
    // A try that the deadline cut says less than the one before it.
    if (absl::IsDeadlineExceeded(result.status()) && !failure.ok()) return failure;
    PROCTOR_RETURN_IF_ERROR(result.status());
    const size_t begin = result->output.find('<');
    if (begin == std::string::npos) {
      failure = DumpFailure(*result);
    } else {
      absl::StatusOr<UiTree> tree = ParseUiTree(std::string_view(result->output).substr(begin));
      if (tree.ok() && !tree->nodes.empty()) return tree;
      failure = tree.ok() ? absl::FailedPreconditionError("uiautomator: an empty dump") : tree.status();
    }
    if (absl::Now() + kRetry >= context.deadline()) return failure;
    PROCTOR_RETURN_IF_ERROR(Pause(context, kRetry));
  }
}

}  // namespace proctor::env::android
