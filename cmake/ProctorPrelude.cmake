# The precompiled header that all libraries and tests share: cmake/prelude.h and the generated messages (not the services: gRPC's
# headers cost more than they save where they are not used).
option(PROCTOR_PRELUDE "Precompile the headers that nearly every source includes" ON)

if(PROCTOR_PRELUDE)
  add_library(proctor_prelude OBJECT ${CMAKE_CURRENT_LIST_DIR}/prelude.cc)
  target_link_libraries(proctor_prelude PRIVATE proctor_proto proctor_warnings
    absl::any_invocable absl::flat_hash_map absl::statusor absl::str_format absl::strings absl::synchronization absl::time)
  set(messages ${PROCTOR_MESSAGE_PROTOS} ${PROCTOR_SERVICE_PROTOS})
  list(TRANSFORM messages REPLACE "(.+)" "<proctor/v1/\\1.pb.h>")
  target_precompile_headers(proctor_prelude PRIVATE ${CMAKE_CURRENT_LIST_DIR}/prelude.h ${messages})
endif()

# proctor_use_prelude(<target>): compiles its sources after the shared header.
function(proctor_use_prelude target)
  if(PROCTOR_PRELUDE)
    target_precompile_headers(${target} REUSE_FROM proctor_prelude)
    # ccache takes no part in what uses a precompiled header, unless the compiler names the header in its output. And GCC 12 forgets which
    # of it came from system headers: it would warn of what std::string does once inlined.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess;-Wno-array-bounds;-Wno-restrict;-Wno-stringop-overflow;-Wno-stringop-overread>)
  endif()
endfunction()
