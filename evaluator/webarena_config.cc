#include "evaluator/webarena_config.h"

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/status.h"
#include "common/strings.h"
#include "evaluator/evidence.h"

namespace proctor::evaluator {
namespace {

constexpr size_t kMaxTasks = 100'000;

absl::Status Wrong(std::string_view field, std::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat(ToAbsl(field), " must be ", ToAbsl(expected)));
}

// The member, or null if it is missing or null.
const Json* Find(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

// A member that is a string, missing or null.
absl::StatusOr<std::string> OptionalText(const Json& object, const char* key) {
  const Json* value = Find(object, key);
  if (value == nullptr) return std::string();
  if (!value->is_string()) return Wrong(key, "a string or null");
  return value->get<std::string>();
}

// A list of strings into a repeated field.
absl::Status ReadTexts(const Json& value, std::string_view field,
                       google::protobuf::RepeatedPtrField<std::string>* out) {
  if (!value.is_array()) return Wrong(field, "a list of strings");
  for (const Json& item : value) {
    if (!item.is_string()) return Wrong(field, "a list of strings");
    *out->Add() = item.get<std::string>();
  }
  return absl::OkStatus();
}

absl::Status ReadReferenceAnswers(const Json& object, v1::WebArenaEval::ReferenceAnswers* answers) {
  if (!object.is_object()) return Wrong("reference_answers", "an object or null");
  for (const auto& [key, value] : object.items()) {
    if (key == "exact_match") {
      if (!value.is_string()) return Wrong(key, "a string");
      answers->set_exact_match(value.get<std::string>());
    } else if (key == "must_include") {
      PROCTOR_RETURN_IF_ERROR(ReadTexts(value, key, answers->mutable_must_include()));
    } else if (key == "fuzzy_match" && value.is_string()) {
      if (value.get<std::string>() != "N/A") return Wrong(key, "\"N/A\" or a list of strings");
      answers->set_fuzzy_match_na(true);
    } else if (key == "fuzzy_match") {
      PROCTOR_RETURN_IF_ERROR(ReadTexts(value, key, answers->mutable_fuzzy_match()));
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("reference_answers has the unknown member ", key));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadProgram(const Json& object, v1::WebArenaEval::ProgramHtml* program) {
  if (!object.is_object()) return Wrong("program_html", "a list of objects");
  PROCTOR_ASSIGN_OR_RETURN(*program->mutable_url(), OptionalText(object, "url"));
  PROCTOR_ASSIGN_OR_RETURN(*program->mutable_locator(), OptionalText(object, "locator"));
  if (const Json* actions = Find(object, "prep_actions")) {
    PROCTOR_RETURN_IF_ERROR(ReadTexts(*actions, "prep_actions", program->mutable_prep_actions()));
  }
  const Json* required = Find(object, "required_contents");
  if (required == nullptr || !required->is_object()) return Wrong("required_contents", "an object");
  for (const auto& [key, value] : required->items()) {
    if (key == "exact_match") {
      if (!value.is_string()) return Wrong("required_contents.exact_match", "a string");
      program->set_exact_match(value.get<std::string>());
    } else if (key == "must_include") {
      PROCTOR_RETURN_IF_ERROR(
          ReadTexts(value, "required_contents.must_include", program->mutable_must_include()));
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("required_contents has the unknown member ", key));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadEval(const Json& object, v1::WebArenaEval* eval) {
  const Json* types = Find(object, "eval_types");
  if (types == nullptr) return Wrong("eval_types", "a list of strings");
  PROCTOR_RETURN_IF_ERROR(ReadTexts(*types, "eval_types", eval->mutable_eval_types()));
  if (const Json* answers = Find(object, "reference_answers")) {
    PROCTOR_RETURN_IF_ERROR(ReadReferenceAnswers(*answers, eval->mutable_reference_answers()));
  }
  PROCTOR_ASSIGN_OR_RETURN(*eval->mutable_reference_url(), OptionalText(object, "reference_url"));
  PROCTOR_ASSIGN_OR_RETURN(*eval->mutable_url_note(), OptionalText(object, "url_note"));
  PROCTOR_ASSIGN_OR_RETURN(*eval->mutable_string_note(), OptionalText(object, "string_note"));
  if (const Json* programs = Find(object, "program_html")) {
    if (!programs->is_array()) return Wrong("program_html", "a list of objects");
    for (const Json& program : *programs) {
      PROCTOR_RETURN_IF_ERROR(ReadProgram(program, eval->add_program_html()));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadGeolocation(const Json& object, v1::Geolocation* place) {
  if (!object.is_object()) return Wrong("geolocation", "an object or null");
  place->set_latitude(JsonNumberOr(object, "latitude"));
  place->set_longitude(JsonNumberOr(object, "longitude"));
  place->set_accuracy_m(JsonNumberOr(object, "accuracy"));
  return absl::OkStatus();
}

// "gitlab+reddit".
absl::StatusOr<std::string> ReadSites(const Json& object) {
  const Json* sites = Find(object, "sites");
  if (sites == nullptr) return std::string();
  if (!sites->is_array()) return Wrong("sites", "a list of strings");
  std::string joined;
  for (const Json& site : *sites) {
    if (!site.is_string()) return Wrong("sites", "a list of strings");
    absl::StrAppend(&joined, joined.empty() ? "" : "+", site.get<std::string>());
  }
  return joined;
}

absl::Status ReadStartState(const Json& object, const WebArenaConfigOptions& options,
                            v1::Task* task) {
  v1::StartState& start = *task->mutable_start_state();
  PROCTOR_ASSIGN_OR_RETURN(*start.mutable_start_url(), OptionalText(object, "start_url"));
  if (start.start_url().empty()) return Wrong("start_url", "a URL");
  PROCTOR_ASSIGN_OR_RETURN(const std::string storage_state, OptionalText(object, "storage_state"));
  if (!storage_state.empty()) {
    (*task->mutable_tags())["storage_state"] = storage_state;
    if (options.read_storage_state) {
      PROCTOR_ASSIGN_OR_RETURN(*start.mutable_storage_state_json(),
                               options.read_storage_state(storage_state));
    }
  }
  if (const Json* place = Find(object, "geolocation")) {
    PROCTOR_RETURN_IF_ERROR(ReadGeolocation(*place, start.mutable_geolocation()));
  }
  for (const auto& [placeholder, url] : options.base_urls)
    (*start.mutable_base_urls())[placeholder] = url;
  for (const char* flag : {"require_login", "require_reset"}) {
    if (JsonBoolOr(object, flag)) (*task->mutable_tags())[flag] = "true";
  }
  return absl::OkStatus();
}

absl::Status ReadTask(const Json& object, int64_t id, const WebArenaConfigOptions& options,
                      v1::Task* task) {
  task->set_name(absl::StrCat("tasks/webarena-", id));
  PROCTOR_ASSIGN_OR_RETURN(*task->mutable_goal(), OptionalText(object, "intent"));
  if (task->goal().empty()) return Wrong("intent", "a text");
  task->set_environment(options.environment);
  task->set_split(options.split);
  task->set_state(v1::TASK_STATE_ACCEPTED);
  task->set_kind("webarena");
  if (const Json* template_id = Find(object, "intent_template_id");
      template_id && template_id->is_number_integer()) {
    task->set_template_(absl::StrCat("webarena/", template_id->get<int64_t>()));
  }
  PROCTOR_ASSIGN_OR_RETURN(*task->mutable_site(), ReadSites(object));
  PROCTOR_RETURN_IF_ERROR(ReadStartState(object, options, task));
  task->mutable_lineage()->set_source("import");
  task->mutable_lineage()->set_external_id(absl::StrCat(id));
  if (const Json* parameters = Find(object, "instantiation_dict")) {
    task->mutable_lineage()->set_parameters_json(DumpJson(*parameters));
  }
  const Json* eval = Find(object, "eval");
  if (eval == nullptr || !eval->is_object()) return Wrong("eval", "an object");
  PROCTOR_RETURN_IF_ERROR(
      Annotate(ReadEval(*eval, task->mutable_oracle()->mutable_webarena()), "eval"));
  task->set_impossible(task->oracle().webarena().reference_answers().fuzzy_match_na());
  return ValidateOracle(task->oracle());
}

absl::StatusOr<v1::Task> ReadNumberedTask(const Json& object, size_t position,
                                          const WebArenaConfigOptions& options) {
  const std::string place = absl::StrCat("task at position ", position);
  if (!object.is_object())
    return absl::InvalidArgumentError(absl::StrCat(place, " must be an object"));
  const Json* id = Find(object, "task_id");
  if (id == nullptr || !id->is_number_integer() || id->get<int64_t>() < 0) {
    return absl::InvalidArgumentError(absl::StrCat(place, ": task_id must be a number"));
  }
  v1::Task task;
  const absl::Status read = ReadTask(object, id->get<int64_t>(), options, &task);
  if (!read.ok()) return Annotate(read, absl::StrCat("WebArena task ", id->get<int64_t>()));
  return task;
}

}  // namespace

absl::StatusOr<std::vector<v1::Task>> LoadWebArenaConfig(std::string_view json,
                                                         const WebArenaConfigOptions& options) {
  PROCTOR_ASSIGN_OR_RETURN(const Json root, ParseJson(SanitizeUtf8(json)));
  std::vector<v1::Task> tasks;
  if (!root.is_array()) {
    PROCTOR_ASSIGN_OR_RETURN(tasks.emplace_back(), ReadNumberedTask(root, 0, options));
    return tasks;
  }
  if (root.size() > kMaxTasks) {
    return absl::InvalidArgumentError(absl::StrCat("more than ", kMaxTasks, " tasks in one file"));
  }
  for (size_t i = 0; i < root.size(); ++i) {
    PROCTOR_ASSIGN_OR_RETURN(tasks.emplace_back(), ReadNumberedTask(root[i], i, options));
  }
  return tasks;
}

}  // namespace proctor::evaluator
