// What calls cost, by the table of prices in the configuration.
#ifndef PROCTOR_MODEL_PRICES_H_
#define PROCTOR_MODEL_PRICES_H_

#include <map>
#include <optional>
#include <string>

#include "proctor/v1/action.pb.h"
#include "proctor/v1/model.pb.h"

namespace proctor::model {

// Adds tokens and cost.
void AddUsage(const v1::Usage& more, v1::Usage& usage);

// Immutable.
class Prices {
 public:
  explicit Prices(const v1::ModelConfig& config) : prices_(config.prices().begin(), config.prices().end()) {}

  // The price of that name or of the longest name that it begins with; nothing if there is none.
  const v1::ModelPrice* Find(const std::string& model) const;
  // In US dollars; nothing for a model without a price.
  std::optional<double> Cost(const std::string& model, const v1::Usage& usage) const;

 private:
  const std::map<std::string, v1::ModelPrice> prices_;
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_PRICES_H_
