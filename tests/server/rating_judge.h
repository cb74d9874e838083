// A judge whose model gives a number.
#ifndef PROCTOR_TESTS_SERVER_RATING_JUDGE_H_
#define PROCTOR_TESTS_SERVER_RATING_JUDGE_H_

#include <string>

#include "proctor/v1/evaluator.pb.h"

namespace proctor::server {

// Sees the answer alone, and says "{{verdict_tag}}: N", 1 to 5.
inline v1::Evaluator RatingJudge(const std::string& name) {
  v1::Evaluator judge;
  judge.set_name(name);
  v1::JudgeStage& stage = *judge.mutable_judge()->add_stages();
  stage.set_id("rating");
  stage.add_messages()->set_template_("{{answer}} {{verdict_tag}}");
  (*stage.mutable_slots())["answer"].mutable_answer();
  stage.mutable_parser()->mutable_number()->mutable_place()->set_after("{{verdict_tag}}");
  stage.mutable_parser()->mutable_number()->set_min(1);
  stage.mutable_parser()->mutable_number()->set_max(5);
  return judge;
}

}  // namespace proctor::server

#endif  // PROCTOR_TESTS_SERVER_RATING_JUDGE_H_
