// proctor label
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/call.h"
#include "clients/cli/commands.h"
#include "clients/cli/text.h"
#include "clients/cli/trajectory_filter.h"
#include "common/status.h"

namespace proctor::cli {
namespace {

absl::Status Add(Call& call) {
  const Arguments& arguments = call.arguments();
  v1::LabelTrajectoryRequest request;
  v1::Label& label = *request.mutable_label();
  label.set_trajectory(call.Name("trajectories"));
  label.set_outcome(static_cast<v1::Outcome>(EnumNumber(v1::Outcome_descriptor(), arguments.Word(1))));
  label.set_annotator(arguments.Text("annotator"));
  label.set_note(arguments.Text("note"));
  label.set_label_sample(call.FlagName("labelSamples", "sample"));
  return call.SendAndPrint<v1::Label>(request);
}

absl::Status List(Call& call) {
  using L = v1::Label;
  v1::ListLabelsRequest request;
  request.set_trajectory(call.FlagName("trajectories", "trajectory"));
  return call.List(request, &v1::ListLabelsResponse::labels,
                   std::vector<Column<L>>{
                       {"TRAJECTORY", [](const L& l) { return ShortName(l.trajectory()); }},
                       {"OUTCOME", [](const L& l) { return EnumLabel(v1::Outcome_descriptor(), l.outcome()); }},
                       {"ANNOTATOR", [](const L& l) { return l.annotator(); }},
                       {"DRAWN WITH",
                        [](const L& l) {
                          return l.inclusion_probability() > 0 ? absl::StrFormat("%.4g", l.inclusion_probability()) : "(by hand)";
                        },
                        Align::kRight},
                       {"MADE", [](const L& l) { return TimeText(l.create_time()); }},
                       {"NOTE", [](const L& l) { return l.note(); }}});
}

absl::Status PrintSample(Call& call, const v1::LabelSample& sample) {
  using D = v1::DrawnTrajectory;
  if (call.output().json()) {
    call.output().Message(sample);
    return absl::OkStatus();
  }
  call.output().Raw(absl::StrCat(ShortName(sample.name()), ": ", sample.drawn_size(), " of ", sample.population(),
                                 "; label each with\n  proctor label add TRAJECTORY success|failure|undetermined --annotator YOU "
                                 "--sample ",
                                 ShortName(sample.name()), "\n\n"));
  call.PrintAll(std::vector<Column<D>>{{"TRAJECTORY", [](const D& d) { return ShortName(d.trajectory()); }},
                                       {"DRAWN WITH",
                                        [](const D& d) { return absl::StrFormat("%.4g", d.inclusion_probability()); },
                                        Align::kRight}},
                sample.drawn());
  return absl::OkStatus();
}

absl::Status Draw(Call& call) {
  const Arguments& arguments = call.arguments();
  v1::DrawLabelSampleRequest request;
  v1::LabelSample& sample = *request.mutable_sample();
  sample.set_evaluator(call.Name("evaluators"));
  sample.set_size(static_cast<int32_t>(arguments.Integer("size", 100)));
  sample.set_seed(arguments.Integer("seed"));
  sample.set_design(static_cast<v1::LabelDesign>(EnumNumber(v1::LabelDesign_descriptor(), arguments.Text("design"))));
  *sample.mutable_filter() = TrajectoryFilterOf(call);
  PROCTOR_ASSIGN_OR_RETURN(const v1::LabelSample drawn, call.Send<v1::LabelSample>(request));
  return PrintSample(call, drawn);
}

absl::Status Get(Call& call) {
  v1::GetLabelSampleRequest request;
  request.set_name(call.Name("labelSamples"));
  PROCTOR_ASSIGN_OR_RETURN(const v1::LabelSample sample, call.Send<v1::LabelSample>(request));
  return PrintSample(call, sample);
}

}  // namespace

std::vector<Command> LabelCommands() {
  return {{.name = "label add",
           .summary = "says what a person thinks of a trajectory; again by the same annotator replaces it",
           .arguments = {{"TRAJECTORY", "the trajectory"},
                         {.name = "OUTCOME",
                          .help = "what they think",
                          .choices = EnumChoices(v1::Outcome_descriptor())}},
           .flags = {{.name = "annotator", .kind = ValueKind::kText, .value = "NAME", .help = "who says so", .required = true},
                     {.name = "note", .kind = ValueKind::kText, .value = "TEXT", .help = "why"},
                     {.name = "sample",
                      .kind = ValueKind::kText,
                      .value = "NAME",
                      .help = "the sample that drew it (see label draw); without one it is chosen by hand, and gives no interval"}},
           .run = Add},
          {.name = "label list",
           .summary = "lists labels, newest first",
           .flags = {{.name = "trajectory", .kind = ValueKind::kText, .value = "NAME", .help = "on this trajectory"}, LimitFlag()},
           .run = List},
          {.name = "label draw",
           .summary = "draws trajectories to label from those that an evaluator has judged",
           .arguments = {{"EVALUATOR", "whose verdicts"}},
           .flags = std::vector<Flag>{{.name = "size",
                                       .kind = ValueKind::kInteger,
                                       .value = "N",
                                       .help = "how many; default 100",
                                       .low = 1,
                                       .high = 10'000},
                                      {.name = "design",
                                       .kind = ValueKind::kChoice,
                                       .value = "DESIGN",
                                       .help = "default uniform",
                                       .choices = EnumChoices(v1::LabelDesign_descriptor())},
                                      {.name = "seed", .kind = ValueKind::kInteger, .value = "N", .help = "of the draw; default 1"}} +
                    TrajectoryFilterFlags(),
           .run = Draw},
          {.name = "label get", .summary = "shows a sample again", .arguments = {{"SAMPLE", "the sample"}}, .run = Get}};
}

}  // namespace proctor::cli
