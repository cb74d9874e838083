// proctor task propose
#include "absl/strings/str_cat.h"
#include "clients/cli/call.h"
#include "clients/cli/commands.h"
#include "clients/cli/flags.h"
#include "clients/cli/job_progress.h"
#include "clients/cli/text.h"
#include "common/status.h"

namespace proctor::cli {
namespace {

enum class Source { kTemplates, kCrawl, kModel };

Source SourceOf(const Arguments& arguments) {
  if (arguments.Has("by-model")) return Source::kModel;
  return arguments.Has("url") ? Source::kCrawl : Source::kTemplates;
}

void SetTemplateSource(const Arguments& arguments, v1::TemplateSource& source) {
  for (const std::string& text : arguments.Texts("site")) source.add_sites(text);
  for (const std::string& text : arguments.Texts("template")) source.add_templates(text);
  for (const std::string& text : arguments.Texts("held-out-site")) source.add_held_out_sites(text);
  for (const std::string& text : arguments.Texts("held-out-template"))
    source.add_held_out_templates(text);
  source.set_max_optimal_steps(static_cast<int32_t>(arguments.Integer("max-steps")));
  source.set_include_impossible(arguments.Has("impossible"));
}

void SetCrawlSource(const Arguments& arguments, v1::CrawlSource& source) {
  source.set_start_url(arguments.Text("url"));
  source.set_max_pages(static_cast<int32_t>(arguments.Integer("max-pages")));
  source.set_max_depth(static_cast<int32_t>(arguments.Integer("max-depth")));
  for (const std::string& text : arguments.Texts("kind")) source.add_kinds(text);
  for (const std::string& text : arguments.Texts("exclude")) source.add_exclude_url_patterns(text);
  if (arguments.Has("ignore-robots")) source.set_respect_robots(false);
}

void SetModelSource(const Arguments& arguments, v1::ModelSource& source) {
  source.set_site_name(arguments.Text("by-model"));
  source.set_start_url(arguments.Text("url"));
  if (arguments.Has("env"))
    source.set_environment(client::FullName("environments", arguments.Text("env")));
  source.set_description(arguments.Text("about"));
  for (const std::string& text : arguments.Texts("screenshot")) source.add_screenshots(text);
  for (const std::string& text : arguments.Texts("demonstration"))
    source.add_demonstrations(client::FullName("trajectories", text));
  for (const std::string& text : arguments.Texts("persona")) source.add_personas(text);
  for (const std::string& text : arguments.Texts("difficulty")) {
    source.add_difficulties(
        static_cast<v1::TaskDifficulty>(EnumNumber(v1::TaskDifficulty_descriptor(), text)));
  }
  for (const std::string& text : arguments.Texts("example")) source.add_examples(text);
  source.set_batch_size(static_cast<int32_t>(arguments.Integer("batch-size")));
  source.set_max_batches(static_cast<int32_t>(arguments.Integer("max-batches")));
  source.set_model(arguments.Text("model"));
  source.mutable_filter()->set_model(arguments.Text("filter-model"));
  source.mutable_filter()->set_disabled(arguments.Has("no-filter"));
  source.set_replay(arguments.Has("replay"));
  if (arguments.Has("review")) source.set_state(v1::TASK_STATE_PROPOSED);
}

std::vector<Flag> TemplateFlags() {
  return {TextsFlag("site", "SITE", "templates of this site, or application of the practice desktop"),
          TextsFlag("template", "SITE/NAME", "this template"),
          TextsFlag("held-out-site", "SITE", "all its tasks are for testing"),
          TextsFlag("held-out-template", "SITE/NAME", "all its tasks are for testing"),
          NumberFlag("max-steps", "templates solved by no more steps", 1, 10'000),
          {.name = "impossible", .help = "templates that are impossible on purpose too"}};
}

std::vector<Flag> CrawlFlags() {
  return {NumberFlag("max-pages", "crawl: at most so many, default 200", 1, 10'000),
          NumberFlag("max-depth", "crawl: clicks from the start, default 4", 1, 1'000),
          TextsFlag("kind", "KIND", "crawl: only tasks of this kind"),
          TextsFlag("exclude", "REGEX", "crawl: pages whose URL matches are not visited"),
          {.name = "ignore-robots", .help = "crawl: do not obey robots.txt"}};
}

std::vector<Flag> ModelFlags() {
  return {
      TextFlag("env", "NAME", "model: for this environment, default web"),
      TextFlag("about", "TEXT", "model: what the site is for"),
      TextsFlag("screenshot", "DIGEST", "model: show it this stored picture of the site"),
      TextsFlag("demonstration", "TRAJECTORY", "model: show it this recorded trajectory"),
      TextsFlag("persona", "TEXT", "model: a user of the site, default a mixed list"),
      {.name = "difficulty",
       .kind = ValueKind::kChoice,
       .value = "LEVEL",
       .help = "model: only such tasks, default all",
       .choices = EnumChoices(v1::TaskDifficulty_descriptor()),
       .repeated = true},
      TextsFlag("example", "GOAL", "model: tasks should be like this in manner"),
      NumberFlag("batch-size", "model: tasks asked for at once, default 25", 1, 50),
      NumberFlag("max-batches", "model: so many batches at most", 1, 1'000),
      TextFlag("model", "ROUTE", "model: which one proposes, default proposer"),
      TextFlag("filter-model", "ROUTE", "model: which one examines each task, default judge"),
      {.name = "no-filter", .help = "model: no second question about each task; implies --review"},
      {.name = "replay",
       .help = "model: only tasks whose demonstration can be done again, which is tried"},
      {.name = "review", .help = "model: tasks wait for `task accept`"}};
}

absl::Status RefuseFlags(const Arguments& arguments, const std::vector<Flag>& flags,
                         const std::string& why) {
  for (const Flag& flag : flags) {
    if (arguments.Has(flag.name)) return UsageError(absl::StrCat("--", flag.name, " ", why));
  }
  return absl::OkStatus();
}

// Flags that only another source of tasks understands: refused, not ignored.
absl::Status CheckSource(const Arguments& arguments) {
  const Source source = SourceOf(arguments);
  if (source == Source::kModel && !arguments.Has("url"))
    return UsageError("--by-model needs --url URL: where the tasks begin");
  if (arguments.Has("replay") && !arguments.Has("demonstration"))
    return UsageError("--replay needs --demonstration TRAJECTORY: what is to be done again");
  if (source != Source::kTemplates) {
    PROCTOR_RETURN_IF_ERROR(RefuseFlags(arguments, TemplateFlags(),
                                        "is for templates, not for a site of your own (--url)"));
  }
  if (source != Source::kCrawl) {
    PROCTOR_RETURN_IF_ERROR(
        RefuseFlags(arguments, CrawlFlags(), "is for a crawl: give --url URL, and no --by-model"));
  }
  if (source != Source::kModel) {
    PROCTOR_RETURN_IF_ERROR(RefuseFlags(arguments, ModelFlags(),
                                        "is for tasks that a model proposes: add --by-model SITE"));
  }
  return absl::OkStatus();
}

absl::Status Propose(Call& call) {
  const Arguments& arguments = call.arguments();
  PROCTOR_RETURN_IF_ERROR(CheckSource(arguments));
  v1::ProposeTasksRequest request;
  request.set_count(static_cast<int32_t>(arguments.Integer("count", 10)));
  request.set_seed(arguments.Integer("seed"));
  for (const auto& [key, value] : arguments.Pairs("tag")) (*request.mutable_tags())[key] = value;
  switch (SourceOf(arguments)) {
    case Source::kTemplates:
      SetTemplateSource(arguments, *request.mutable_templates());
      break;
    case Source::kCrawl:
      SetCrawlSource(arguments, *request.mutable_crawl());
      break;
    case Source::kModel:
      SetModelSource(arguments, *request.mutable_model());
      break;
  }
  auto job = call.Send<v1::Job>(request);
  if (!job.ok()) return job.status();
  return FollowJob(call, *job);
}

}  // namespace

Command ProposeCommand() {
  return {
      .name = "task propose",
      .summary =
          "proposes tasks from templates of practice sites and desktop, by a crawl or by a model, as "
          "a job",
      .flags =
          std::vector<Flag>{
              NumberFlag("count", "how many accepted tasks are wanted, default 10", 1, 10'000),
              SeedFlag(), TagFlag("put on every task"),
              TextFlag("url", "URL", "a site of your own, from here, instead of using templates"),
              TextFlag("by-model", "SITE",
                       "ask a model, which knows the site by this name, instead of crawling")} +
          CrawlFlags() + ModelFlags() + TemplateFlags() + JobFlags(),
      .notes =
          "  proctor task propose --count 50\n"
          "  proctor task propose --count 50 --url http://127.0.0.1:8080/\n"
          "    (such an address is reached only if the server runs with --egress-allow-private: see "
          "docs/security.md)\n"
          "  proctor task propose --count 50 --url https://www.wikipedia.org/ --by-model "
          "Wikipedia\n",
      .run = Propose};
}

}  // namespace proctor::cli
