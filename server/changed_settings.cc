#include "server/changed_settings.h"

#include <set>

#include "google/protobuf/util/message_differencer.h"

namespace proctor::server {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using SpecificField = google::protobuf::util::MessageDifferencer::SpecificField;

// Notes at which field of the outermost message each difference lies.
class TopFields final : public google::protobuf::util::MessageDifferencer::Reporter {
 public:
  void ReportAdded(const Message&, const Message&, const std::vector<SpecificField>& path) override { Note(path); }
  void ReportDeleted(const Message&, const Message&, const std::vector<SpecificField>& path) override { Note(path); }
  void ReportModified(const Message&, const Message&, const std::vector<SpecificField>& path) override { Note(path); }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const int index : indices_) names.emplace_back(v1::ServerConfig::descriptor()->field(index)->name());
    return names;
  }

 private:
  void Note(const std::vector<SpecificField>& path) {
    if (!path.empty() && path.front().field != nullptr) indices_.insert(path.front().field->index());
  }

  std::set<int> indices_;
};

}  // namespace

std::vector<std::string> ChangedSettings(const v1::ServerConfig& before, const v1::ServerConfig& after) {
  TopFields changed;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesTo(&changed);
  differencer.Compare(before, after);
  return changed.Names();
}

}  // namespace proctor::server
