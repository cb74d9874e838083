// ActionRunner::Upload: bytes that the client or the task brought become a file of the page, never a path of ours.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status.h"
#include "env/web/input.h"
#include "env/web/web_actions.h"

namespace proctor::env::web {
namespace {

constexpr size_t kMaxUploadBytes = size_t{16} << 20;
constexpr absl::Duration kChooserCap = absl::Seconds(5);

bool IsFileName(const std::string& name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find('/') == std::string::npos && name.find('\\') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

}  // namespace

absl::StatusOr<std::string> ActionRunner::UploadContent(const v1::UploadFile& upload) const {
  if (upload.source_case() == v1::UploadFile::kContent) {
    if (upload.content().size() > kMaxUploadBytes) return absl::InvalidArgumentError("the file is larger than 16 MiB");
    return upload.content();
  }
  std::string known;
  for (const v1::TaskFile& file : options_.files) {
    if (file.file_name() == upload.task_file()) return file.content();
    absl::StrAppend(&known, known.empty() ? "" : ", ", file.file_name());
  }
  return absl::InvalidArgumentError(absl::StrCat("the task carries no file named \"", upload.task_file(), "\"; it has: ",
                                                 known.empty() ? "none" : known));
}

absl::Status ActionRunner::Upload(Work& work, const v1::UploadFile& upload) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string content, UploadContent(upload));
  const std::string name = upload.file_name().empty() ? upload.task_file() : upload.file_name();
  if (!IsFileName(name)) return absl::InvalidArgumentError("file_name must be a plain name without slashes");
  ContextUploads* const uploads = browser_.uploads();
  if (uploads == nullptr) return absl::FailedPreconditionError("this browser takes no uploads");
  PROCTOR_ASSIGN_OR_RETURN(const std::string path, uploads->Store(name, content));
  DevTools& devtools = work.tab->devtools();
  const CallContext capped = work.context.Child(kChooserCap);
  if (upload.target().kind_case() == v1::Target::kMark) {
    absl::StatusOr<ElementRegistry::RemoteNode> input =
        registry_.FileInput(capped, work.tab->frames(), upload.target().mark());
    if (input.ok()) {
      const auto replies = devtools.SendAll(
          {{input->session_id, "DOM.setFileInputFiles", {{"files", {path}}, {"objectId", input->object_id}}},
           {input->session_id, "Runtime.releaseObject", {{"objectId", input->object_id}}}});
      PROCTOR_RETURN_IF_ERROR(replies[0].AwaitText(capped).status());
      const absl::StatusOr<v1::Element> element = registry_.Describe(capped, work.tab->frames(), upload.target().mark());
      if (element.ok()) work.outcome.target_element = *element;
      return SendAndSettle(work, {});
    }
    if (input.status().code() != absl::StatusCode::kInvalidArgument) return input.status();
  }
  // Something that opens a file chooser, which Chromium hands to us instead of showing it.
  v1::Point point;
  PROCTOR_RETURN_IF_ERROR(Aim(work, upload.target(), {}, point));
  (void)work.tab->TakeFileChooser();
  PROCTOR_RETURN_IF_ERROR(
      SendAndSettle(work, ClickCommands(work.tab->session_id(), point, v1::MOUSE_BUTTON_LEFT, 1, 0)));
  const std::optional<Tab::FileChooser> chooser = work.tab->TakeFileChooser();
  if (!chooser.has_value()) {
    return absl::InvalidArgumentError("this opens no file chooser: name a file input or what opens one");
  }
  PROCTOR_RETURN_IF_ERROR(devtools.Call(work.context.Child(kChooserCap), chooser->session_id, "DOM.setFileInputFiles",
                                        {{"files", {path}}, {"backendNodeId", chooser->backend_node_id}}).status());
  work.settled = false;
  return SendAndSettle(work, {});
}

}  // namespace proctor::env::web
