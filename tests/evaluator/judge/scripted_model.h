// A model that says what a test wants, and records of trajectories to judge.
#ifndef PROCTOR_TESTS_EVALUATOR_JUDGE_SCRIPTED_MODEL_H_
#define PROCTOR_TESTS_EVALUATOR_JUDGE_SCRIPTED_MODEL_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/mutex.h"
#include "evaluator/judge/judge_run.h"
#include "evaluator/presets.h"
#include "imaging/image.h"
#include "model/chat.h"
#include "proctor/v1/trajectory.pb.h"
#include "storage/memory_blob_store.h"

namespace proctor::evaluator {

// The presets that judge single trajectories.
inline const std::vector<v1::Evaluator>& JudgePresets() {
  static const auto* judges = [] {
    auto* all = new std::vector<v1::Evaluator>();
    for (const v1::Evaluator& preset : Presets()) {
      if (preset.has_judge()) all->push_back(preset);
    }
    return all;
  }();
  return *judges;
}

// All text of a request, pictures as "[picture <digest>]".
inline std::string TextOf(const model::ChatRequest& request) {
  std::string text;
  for (const model::Message& message : request.messages) {
    for (const model::Part& part : message.parts) {
      if (const auto* words = std::get_if<model::TextPart>(&part)) absl::StrAppend(&text, words->text);
      if (const auto* image = std::get_if<model::ImagePart>(&part)) absl::StrAppend(&text, "[picture ", image->digest, "]");
    }
    absl::StrAppend(&text, "\n");
  }
  return text;
}

inline std::vector<model::ImagePart> PicturesOf(const model::ChatRequest& request) {
  std::vector<model::ImagePart> pictures;
  for (const model::Message& message : request.messages) {
    for (const model::Part& part : message.parts) {
      if (const auto* image = std::get_if<model::ImagePart>(&part)) pictures.push_back(*image);
    }
  }
  return pictures;
}

// The verdict tag that the request asks for: "VERDICT-" and 16 digits.
inline std::string TagOf(const model::ChatRequest& request) {
  const std::string text = TextOf(request);
  const size_t at = text.find("VERDICT-");
  return at == std::string::npos ? "" : text.substr(at, 24);
}

inline model::Choice Says(std::string text) {
  model::Choice choice;
  choice.text = std::move(text);
  return choice;
}

inline model::Choice FailsWith(v1::ModelFailure failure) {
  model::Choice choice;
  choice.failure = failure;
  choice.failure_detail = v1::ModelFailure_Name(failure);
  return choice;
}

// Answers on the asking thread. Thread-safe.
class ScriptedJudgeModel final : public JudgeModel {
 public:
  // One choice: `{{tag}}` in it is the request's verdict tag.
  using Script = std::function<model::Choice(const model::ChatRequest& request, int sample)>;

  explicit ScriptedJudgeModel(Script script) : script_(std::move(script)) {}

  // Always the same text.
  static Script Always(const std::string& text) {
    return [text](const model::ChatRequest&, int) { return Says(text); };
  }

  void Ask(const CallContext&, const std::string& model, model::ChatRequest request, Done done) override {
    model::ChatReply reply;
    {
      MutexLock lock(mutex_);
      for (int i = 0; i < std::max(1, request.sampling.n()); ++i) {
        model::Choice choice = script_(request, samples_++);
        choice.text = absl::StrReplaceAll(choice.text, {{"{{tag}}", TagOf(request)}});
        reply.choices.push_back(std::move(choice));
      }
      reply.call.mutable_usage()->set_input_tokens(100);
      reply.call.mutable_usage()->set_cached_input_tokens(40);
      reply.call.mutable_usage()->set_cost_usd(0.01);
      if (whole_failure_ != v1::MODEL_FAILURE_UNSPECIFIED) {
        reply.choices.clear();
        reply.call.set_failure(whole_failure_);
        reply.call.set_failure_detail(v1::ModelFailure_Name(whole_failure_));
      }
      models_.push_back(model);
      requests_.push_back(std::move(request));
    }
    done(std::move(reply));
  }

  void FailAll(v1::ModelFailure failure) {
    MutexLock lock(mutex_);
    whole_failure_ = failure;
  }

  std::vector<model::ChatRequest> requests() const {
    MutexLock lock(mutex_);
    return requests_;
  }
  std::vector<std::string> models() const {
    MutexLock lock(mutex_);
    return models_;
  }

 private:
  mutable Mutex mutex_;
  const Script script_;
  int samples_ ABSL_GUARDED_BY(mutex_) = 0;
  v1::ModelFailure whole_failure_ ABSL_GUARDED_BY(mutex_) = v1::MODEL_FAILURE_UNSPECIFIED;
  std::vector<model::ChatRequest> requests_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> models_ ABSL_GUARDED_BY(mutex_);
};

// Trajectories with pictures in a store.
class RecordMaker {
 public:
  RecordMaker() : blobs_(storage::NewMemoryBlobStore()) {
    trajectory_.set_name("trajectories/t1");
    trajectory_.mutable_task()->set_name("tasks/tea");
    trajectory_.mutable_task()->set_goal("Find the price of the green tea.");
    trajectory_.set_closed(true);
    trajectory_.set_end_kind(v1::END_KIND_TERMINATED);
    trajectory_.set_digest("d1");
    See(*trajectory_.mutable_initial_observation(), 0);
  }

  storage::BlobStore& blobs() { return *blobs_; }
  v1::Trajectory& trajectory() { return trajectory_; }

  // A step that clicks, and a new picture in shade `shade`; the same shade is the same picture.
  v1::Step& Click(const std::string& name, int shade) {
    v1::Step& step = Add();
    step.mutable_action()->mutable_click()->mutable_target()->set_mark(1);
    step.mutable_target_element()->set_role("link");
    step.mutable_target_element()->set_name(name);
    step.mutable_target_box()->set_x(2);
    step.mutable_target_box()->set_y(2);
    step.mutable_target_box()->set_width(4);
    step.mutable_target_box()->set_height(4);
    See(*step.mutable_observation(), shade);
    return step;
  }

  void Answer(const std::string& text) { Add().mutable_action()->mutable_answer()->set_text(text); }

  // Digest of the picture in that shade.
  std::string Picture(int shade) {
    imaging::Image image{.width_px = 16, .height_px = 16, .bgra = {}};
    image.bgra.assign(size_t{4} * 16 * 16, static_cast<uint8_t>(shade));
    return blobs_->Put(CallContext(), imaging::Encode(image, {}).value()).value();
  }

 private:
  v1::Step& Add() {
    v1::Step& step = *trajectory_.add_steps();
    step.set_index(trajectory_.steps_size() - 1);
    trajectory_.set_step_count(trajectory_.steps_size());
    return step;
  }

  void See(v1::Observation& observation, int shade) {
    observation.set_url(absl::StrCat("http://shop.localhost/", shade));
    observation.mutable_viewport()->set_width(16);
    observation.mutable_viewport()->set_height(16);
    observation.mutable_screenshot()->set_digest(Picture(shade));
    observation.mutable_screenshot()->set_width_px(16);
    observation.mutable_screenshot()->set_height_px(16);
  }

  std::unique_ptr<storage::BlobStore> blobs_;
  v1::Trajectory trajectory_;
};

}  // namespace proctor::evaluator

#endif  // PROCTOR_TESTS_EVALUATOR_JUDGE_SCRIPTED_MODEL_H_
