// How tasks are asked. Private to proposer/.
#ifndef PROCTOR_PROPOSER_WORDING_H_
#define PROCTOR_PROPOSER_WORDING_H_

#include <cstdint>
#include <string>

#include "proposer/site_model.h"

namespace proctor::proposer {

// What is between double quotes in goals comes from pages; double quotes in it become single ones. Each kind has several
// wordings; which one follows from the seed and the arguments.
std::string AskForPage(uint64_t seed, const std::string& subject);
std::string AskForFact(uint64_t seed, const Fact& fact);
std::string AskForFactBySearch(uint64_t seed, const Fact& fact);
std::string AskForLarger(uint64_t seed, const Fact& one, const Fact& other);
std::string AskForList(uint64_t seed, const std::string& page_subject, const Table& table, size_t column,
                       const std::string& value);

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_WORDING_H_
