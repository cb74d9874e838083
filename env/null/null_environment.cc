#include "env/null/null_environment.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/proto_json.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "env/null/null_picture.h"
#include "env/observation_parts.h"
#include "env/start_fields.h"
#include "google/protobuf/struct.pb.h"

namespace proctor::env {
namespace {

constexpr int kDisabledMark = 3;
constexpr int kFieldMark = 4;
constexpr int kMaxTextBytes = 16 << 20;
// Takes some microseconds to make.
constexpr int kTextBytesAtOnce = 4096;
// Everything that grows with the steps has an end.
constexpr size_t kMaxFieldBytes = 64 << 10;

// A driver's world holds the live thing (a browser context, a device). No locks: its session never calls it twice at
// once. A thread of the driver's own needs them.
class NullWorld final : public World {
 public:
  explicit NullWorld(v1::NullSettings settings) : settings_(std::move(settings)) {}

  // Reset must work whatever state the last episode left, also after a fault: throw away, make anew. It honours every
  // field of the start state that it can, and refuses the rest with INVALID_ARGUMENT; nothing is ignored.
  absl::StatusOr<ResetResult> Reset(const CallContext& context, const ResetSpec& spec,
                                    const v1::ObservationRequest& request) override {
    // Anything that may block checks its context and passes it on.
    PROCTOR_RETURN_IF_ERROR(context.Check("null reset"));
    PROCTOR_RETURN_IF_ERROR(CheckStartFields(spec.task.start_state(), {}, "the null environment"));
    if (!spec.task.files().empty()) return absl::InvalidArgumentError("files: the null environment takes no uploads");
    seed_ = spec.seed;
    steps_ = 0;
    clicks_.clear();
    text_.clear();
    return ResetResult{.observation = See(request), .base_urls = {}, .seed = seed_};
  }

  // Act does the action, waits until the world came to rest and observes, all within the context's deadline. What the
  // agent got wrong goes into `action_error`, as a sentence that tells it what to do instead.
  absl::StatusOr<ActResult> Act(const CallContext& context, const v1::Action& action,
                                const v1::ObservationRequest& request) override {
    PROCTOR_RETURN_IF_ERROR(context.Check("null act"));
    ++steps_;
    // A status means that the world is broken: the session interrupts the episode and calls Reset for the next.
    if (settings_.fail_at_step() > 0 && steps_ >= settings_.fail_at_step()) {
      return absl::UnavailableError("the null world failed as its settings ask");
    }
    ActResult result;
    const std::string error = Do(action, result);
    result.observation = See(request);
    result.observation.set_action_error(error);
    if (settings_.terminate_after_steps() > 0 && steps_ >= settings_.terminate_after_steps()) {
      result.world_end = v1::END_REASON_WORLD_ENDED;
    }
    return result;
  }

  // Observe changes nothing.
  absl::StatusOr<v1::Observation> Observe(const CallContext& context,
                                          const v1::ObservationRequest& request) override {
    PROCTOR_RETURN_IF_ERROR(context.Check("null observe"));
    return See(request);
  }

  // Only where Observe never blocks and takes less time than waking a thread, screenshots aside.
  bool observes_at_once() const override { return settings_.text_bytes() <= kTextBytesAtOnce; }

  // One result a request, in order. A failure is recorded in its result, so that the oracle can say UNDETERMINED; it
  // never fails the episode. What the agent sees must stay as it is.
  std::vector<v1::Evidence> Collect(const CallContext& context,
                                    const std::vector<v1::EvidenceRequest>& requests) override {
    std::vector<v1::Evidence> out;
    for (const v1::EvidenceRequest& request : requests) {
      v1::Evidence& evidence = out.emplace_back();
      evidence.set_request_id(request.id());
      *evidence.mutable_collect_time() = ToProto(absl::Now());
      if (const absl::Status status = context.Check("null evidence"); !status.ok()) {
        evidence.set_error(std::string(status.message()));
      } else if (request.has_final_url()) {
        evidence.add_json_values(absl::StrCat("\"", Url(), "\""));
        evidence.add_urls(Url());
      } else if (request.has_site_state() && request.site_state().site() == "NULL") {
        evidence.add_json_values(StateJson());
      } else {
        evidence.set_error("the null environment has no pages; it knows final_url and the state of site NULL");
      }
    }
    return out;
  }

  // Frees what the next episode does not need. Also called after a failed Reset and after a fault.
  void EndEpisode() override { clicks_.clear(); }

  // Only worlds that have nothing to do for a while return a delay: the session waits without holding a thread.
  absl::Duration ActionDelay() const override { return FromProto(settings_.step_delay()); }

 private:
  // Returns the error for the agent, or nothing.
  std::string Do(const v1::Action& action, ActResult& result) {
    if (action.has_type()) {
      if (action.type().has_target() && action.type().target().mark() != kFieldMark) {
        return absl::StrCat("Mark ", action.type().target().mark(), " is not editable: type into mark 4.");
      }
      std::string text = action.type().clear() ? action.type().text() : text_ + action.type().text();
      if (text.size() > kMaxFieldBytes) return absl::StrCat("The field has room for ", kMaxFieldBytes, " bytes: clear it first.");
      text_ = std::move(text);
      return "";
    }
    if (!action.has_click()) return "";
    const v1::Target& target = action.click().target();
    if (target.has_point()) {
      result.target_point = target.point();
      return "There is nothing at that point: click a mark from 1 to 4.";
    }
    if (target.mark() < 1 || target.mark() > kFieldMark) {
      return absl::StrCat("There is no element with mark ", target.mark(), ": choose from 1 to 4.");
    }
    result.target_element = MakeElement(target.mark());
    result.target_box = result.target_element->box();
    if (target.mark() == kDisabledMark) return "Mark 3 is disabled: choose another element.";
    clicks_.push_back(target.mark());
    return "";
  }

  v1::Element MakeElement(int mark) const {
    v1::Element element;
    element.set_mark(mark);
    const bool field = mark == kFieldMark;
    element.set_role(field ? "textbox" : "button");
    element.set_name(field ? "Field" : absl::StrCat("Button ", mark));
    element.set_tag(field ? "input" : "button");
    element.set_editable(field);
    element.set_in_viewport(true);
    if (field) element.set_value(text_);
    if (mark == kDisabledMark) element.add_states(v1::ELEMENT_STATE_DISABLED);
    element.mutable_box()->set_x(10);
    element.mutable_box()->set_y(40.0 * mark);
    element.mutable_box()->set_width(100);
    element.mutable_box()->set_height(30);
    return element;
  }

  // Computes what is asked and nothing else.
  v1::Observation See(const v1::ObservationRequest& request) const {
    v1::Observation seen;
    *seen.mutable_observe_time() = ToProto(absl::Now());
    seen.set_url(Url());
    seen.set_title("null");
    seen.mutable_viewport()->set_width(640);
    seen.mutable_viewport()->set_height(480);
    seen.mutable_settle()->set_settled(true);
    if (Asks(request, v1::OBSERVATION_PART_SCREENSHOT)) AddScreenshot(request.screenshot(), seen);
    if (Asks(request, v1::OBSERVATION_PART_ELEMENTS)) {
      for (int mark = 1; mark <= kFieldMark; ++mark) *seen.add_elements() = MakeElement(mark);
    }
    if (Asks(request, v1::OBSERVATION_PART_TEXT)) {
      std::string text = Text();
      const int limit = request.max_text_bytes();
      const bool cut = limit > 0 && static_cast<int>(text.size()) > limit;
      if (cut) text.resize(limit);
      seen.mutable_text()->set_text(std::move(text));
      seen.mutable_text()->set_truncated(cut);
    }
    return seen;
  }

  // What was asked and cannot be had is told, with the reason: agents and judges must not take it for nothing to see.
  void AddScreenshot(const v1::ScreenshotOptions& options, v1::Observation& seen) const {
    std::vector<v1::Element> elements;
    for (int mark = 1; mark <= kFieldMark; ++mark) elements.push_back(MakeElement(mark));
    absl::StatusOr<v1::Image> picture = DrawNullWorld(seen.viewport(), elements, steps_, options);
    if (picture.ok()) {
      *seen.mutable_screenshot() = *std::move(picture);
      return;
    }
    v1::MissingPart& missing = *seen.add_missing();
    missing.set_part(v1::OBSERVATION_PART_SCREENSHOT);
    missing.set_reason(std::string(picture.status().message()));
  }

  // `text_bytes` letters that depend on the seed and the step: a seed that changed nothing would be a lie.
  std::string Text() const {
    uint64_t state = static_cast<uint64_t>(seed_) * 6364136223846793005ULL + steps_ + 1;
    std::string text(settings_.text_bytes(), ' ');
    for (char& c : text) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      c = static_cast<char>('a' + (state >> 33) % 26);
    }
    return text;
  }

  std::string Url() const { return absl::StrCat("null://world/", steps_); }

  std::string StateJson() const {
    google::protobuf::Struct state;
    (*state.mutable_fields())["steps"].set_number_value(steps_);
    (*state.mutable_fields())["text"].set_string_value(text_);
    auto* clicks = (*state.mutable_fields())["clicks"].mutable_list_value();
    for (const int mark : clicks_) clicks->add_values()->set_number_value(mark);
    return ProtoToJson(state);
  }

  const v1::NullSettings settings_;
  int64_t seed_ = 0;
  int steps_ = 0;
  std::vector<int> clicks_;
  std::string text_;
};

}  // namespace

// Everything that is not listed here is refused by the session before it reaches the world.
v1::Environment NullEnvironment::Describe() const {
  v1::Environment out;
  out.set_description("no world: for tests, benchmarks and driver authors");
  out.set_available(true);
  v1::Capabilities& can = *out.mutable_capabilities();
  for (const char* action : {"click", "type", "wait", "answer", "give_up", "noop"}) can.add_actions(action);
  can.add_observation_parts(v1::OBSERVATION_PART_SCREENSHOT);
  can.add_observation_parts(v1::OBSERVATION_PART_ELEMENTS);
  can.add_observation_parts(v1::OBSERVATION_PART_TEXT);
  can.add_dialects(v1::DIALECT_WEBVOYAGER);
  can.add_dialects(v1::DIALECT_WEBARENA);
  can.add_dialects(v1::DIALECT_BROWSERGYM);
  can.set_seedable(true);
  can.add_evidence("site_state");
  can.add_evidence("final_url");
  out.mutable_default_settings()->mutable_null();
  out.mutable_default_limits()->set_max_steps(30);
  *out.mutable_default_limits()->mutable_max_duration() = ToProto(absl::Minutes(10));
  return out;
}

// Fills in defaults and refuses what cannot be honoured.
absl::StatusOr<v1::EnvironmentSettings> NullEnvironment::ResolveSettings(
    const v1::EnvironmentSettings& settings) const {
  if (settings.kind_case() == v1::EnvironmentSettings::KIND_NOT_SET) return Describe().default_settings();
  if (!settings.has_null()) return absl::InvalidArgumentError("settings: the null environment takes `null`");
  const v1::NullSettings& null = settings.null();
  const absl::Duration delay = FromProto(null.step_delay());
  if (delay < absl::ZeroDuration() || delay > absl::Seconds(60)) {
    return absl::InvalidArgumentError("settings.null.step_delay: 0 to 60 s");
  }
  if (null.text_bytes() < 0 || null.text_bytes() > kMaxTextBytes) {
    return absl::InvalidArgumentError("settings.null.text_bytes: 0 to 16777216");
  }
  if (null.terminate_after_steps() < 0 || null.fail_at_step() < 0) {
    return absl::InvalidArgumentError("settings.null: steps are not negative");
  }
  return settings;
}

absl::StatusOr<std::unique_ptr<World>> NullEnvironment::Open(const CallContext& context,
                                                             const v1::EnvironmentSettings& settings) {
  PROCTOR_RETURN_IF_ERROR(context.Check("null open"));
  return std::make_unique<NullWorld>(settings.null());
}

}  // namespace proctor::env
