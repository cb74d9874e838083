#include "server/auth/call_trail.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/strings.h"
#include "google/protobuf/descriptor.h"
#include "proctor/v1/environment_service.pb.h"
#include "server/auth/method_rules.h"

namespace proctor::server {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::string_view kAct = "/proctor.v1.EnvironmentService/Act";
constexpr std::string_view kStep = "/proctor.v1.EnvironmentService/Step";
constexpr std::string_view kService = "/proctor.v1.EnvironmentService/";
constexpr std::string_view kDelete = "/proctor.v1.TrajectoryService/DeleteTrajectory";

std::string Text(const Message& message, const char* field_name) {
  const FieldDescriptor* const field = message.GetDescriptor()->FindFieldByName(field_name);
  if (field == nullptr || field->is_repeated() || field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) return "";
  return message.GetReflection()->GetString(message, field);
}

// What a request is about, as far as it says so.
std::string ResourceOf(const Message& message) {
  for (const char* field : {"session", "name", "consumer", "trajectory", "first", "task", "environment", "evaluator"}) {
    if (std::string text = Text(message, field); !text.empty()) return text;
  }
  return "";
}

// "StartEpisode" of the verb start_episode: an Act verb is audited as its unary method is.
bool ChangesSomething(std::string_view verb) {
  std::string method(kService);
  bool upper = true;
  for (const char c : verb) {
    if (c == '_') {
      upper = true;
    } else {
      method += upper ? static_cast<char>(c - 'a' + 'A') : c;
      upper = false;
    }
  }
  const MethodRule* const rule = FindMethodRule(method);
  return rule != nullptr && rule->changes;
}

// The verb of an Act request if it is one that is audited; null: it has none, or changes nothing.
const FieldDescriptor* AuditedVerb(const v1::ActRequest& request) {
  static const auto& audited = *[] {
    auto* const fields = new std::map<int, const FieldDescriptor*>;
    const auto* const verbs = v1::ActRequest::descriptor()->FindOneofByName("verb");
    for (int i = 0; i < verbs->field_count(); ++i) {
      if (ChangesSomething(verbs->field(i)->name())) fields->emplace(verbs->field(i)->number(), verbs->field(i));
    }
    return fields;
  }();
  const auto it = audited.find(request.verb_case());
  return it == audited.end() ? nullptr : it->second;
}

}  // namespace

CallTrail::CallTrail(const CallGuard& guard, std::string_view method) : guard_(guard), method_(method) {
  const MethodRule* const rule = FindMethodRule(method);
  if (rule == nullptr) return;
  audited_ = rule->changes && (guard.parts().audit_steps || method != kStep);
  is_act_ = method == kAct;
}

void CallTrail::Begin(const Caller& caller, std::string peer) {
  caller_ = caller;
  peer_ = std::move(peer);
}

void CallTrail::Received(const Message& request) {
  if (idle()) return;
  if (!is_act_) {
    MutexLock lock(mutex_);
    if (resource_.empty()) resource_ = ResourceOf(request);
    if (request_id_.empty()) request_id_ = Text(request, "request_id");
    return;
  }
  const auto& act = static_cast<const v1::ActRequest&>(request);
  const FieldDescriptor* const field = act.has_step() && !guard_.parts().audit_steps ? nullptr : AuditedVerb(act);
  Verb verb;
  if (field != nullptr) {
    const Message& inner = request.GetReflection()->GetMessage(request, field);
    verb = {.name = field->name(), .resource = ResourceOf(inner), .request_id = Text(inner, "request_id"), .audited = true};
  }
  MutexLock lock(mutex_);
  // Verbs need not name the stream's session.
  if (verb.audited && verb.resource.empty()) verb.resource = resource_;
  verbs_.push_back(std::move(verb));
}

void CallTrail::Sent(const Message& response) {
  if (idle()) return;
  if (!is_act_) {
    // What was made, or what a job works on.
    MutexLock lock(mutex_);
    if (std::string name = Text(response, "name"); !name.empty()) resource_ = std::move(name);
    return;
  }
  const auto& reply = static_cast<const v1::ActResponse&>(response);
  Verb verb;
  {
    MutexLock lock(mutex_);
    if (verbs_.empty()) return;
    verb = std::move(verbs_.front());
    verbs_.pop_front();
    if (reply.has_session()) resource_ = reply.session().name();
    if (!verb.audited) return;
    if (verb.name == "create_session" || verb.resource.empty()) verb.resource = resource_;
  }
  Line(absl::StrCat(ToAbsl(kAct), ":", verb.name), verb.resource, verb.request_id,
       reply.has_error() ? static_cast<absl::StatusCode>(reply.error().code()) : absl::StatusCode::kOk);
}

void CallTrail::Ended(absl::StatusCode status) {
  if (idle()) return;
  std::deque<Verb> unanswered;
  std::string resource;
  std::string request_id;
  {
    MutexLock lock(mutex_);
    unanswered.swap(verbs_);
    resource = resource_;
    request_id = request_id_;
  }
  // What became of them shows in the episode's record.
  for (const Verb& verb : unanswered) {
    if (verb.audited) Line(absl::StrCat(ToAbsl(kAct), ":", verb.name), verb.resource, verb.request_id, absl::StatusCode::kUnknown);
  }
  if (audited_) Line(method_, resource, request_id, status);
  if (method_ == kDelete && status == absl::StatusCode::kOk) {
    if (const auto id = ResourceId("trajectories", resource); id.ok()) guard_.parts().accounts.EpisodeDeleted(*id);
  }
}

void CallTrail::Line(std::string_view method, std::string_view resource, std::string_view request_id, absl::StatusCode status) const {
  guard_.parts().audit.Write({.caller = caller_.name,
                              .tenant = caller_.tenant,
                              .peer = peer_,
                              .method = method,
                              .resource = resource,
                              .request_id = request_id,
                              .status = status});
}

}  // namespace proctor::server
