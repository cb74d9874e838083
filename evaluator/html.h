// HTML character references.
#ifndef PROCTOR_EVALUATOR_HTML_H_
#define PROCTOR_EVALUATOR_HTML_H_

#include <string>
#include <string_view>

namespace proctor::evaluator {

// Replaces named and numeric character references as the HTML standard's parser does in text: a
// known name may lack its semicolon ("&ampx"), numbers of the C1 range mean Windows-1252, numbers
// that are no character mean U+FFFD or nothing.
std::string UnescapeHtml(std::string_view text);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_HTML_H_
