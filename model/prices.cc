#include "model/prices.h"

#include <algorithm>

namespace proctor::model {

void AddUsage(const v1::Usage& more, v1::Usage& usage) {
  usage.set_input_tokens(usage.input_tokens() + more.input_tokens());
  usage.set_output_tokens(usage.output_tokens() + more.output_tokens());
  usage.set_cached_input_tokens(usage.cached_input_tokens() + more.cached_input_tokens());
  usage.set_cost_usd(usage.cost_usd() + more.cost_usd());
}

const v1::ModelPrice* Prices::Find(const std::string& model) const {
  for (size_t length = model.size(); length > 0; --length) {
    const auto it = prices_.find(model.substr(0, length));
    if (it != prices_.end()) return &it->second;
  }
  return nullptr;
}

std::optional<double> Prices::Cost(const std::string& model, const v1::Usage& usage) const {
  const v1::ModelPrice* price = Find(model);
  if (price == nullptr) return std::nullopt;
  const auto cached = static_cast<double>(std::min(usage.cached_input_tokens(), usage.input_tokens()));
  const double input = static_cast<double>(usage.input_tokens()) - cached;
  const double cached_price = price->has_cached_input_usd() ? price->cached_input_usd() : price->input_usd();
  return (input * price->input_usd() + cached * cached_price +
          static_cast<double>(usage.output_tokens()) * price->output_usd()) /
         1e6;
}

}  // namespace proctor::model
