# cmake -DOUTPUT=... -DPARTS="a.js;b.js" -P page_script.cmake: the parts, joined inside one function, as a C++ string.
set(script "(() => {\n'use strict';\nif (globalThis.proctorPage) return;\n")
foreach(part ${PARTS})
  file(READ ${part} text)
  string(APPEND script "${text}\n")
endforeach()
string(APPEND script "})();\n")
file(WRITE ${OUTPUT} "#include \"env/web/page_script.h\"\n\nnamespace proctor::env::web {\n\n"
  "std::string_view PageScript() {\n  static constexpr std::string_view kScript = R\"PAGESCRIPT(${script})PAGESCRIPT\";\n"
  "  return kScript;\n}\n\n}  // namespace proctor::env::web\n")
