# Compiles several sources as one, which takes a fraction of the time where everything is built anyhow; in the `dev` preset it is off, for one
# changed source would bring its neighbours along. Which get on with each other: scripts/source_units.py.
option(PROCTOR_UNITY "Compile several sources as one" OFF)

# proctor_use_unity(<target>): its sources may be joined.
function(proctor_use_unity target)
  if(PROCTOR_UNITY)
    set_property(GLOBAL APPEND PROPERTY PROCTOR_UNITY_TARGETS ${target})
  endif()
endfunction()

# proctor_plan_units(): once, after the last target.
function(proctor_plan_units)
  get_property(targets GLOBAL PROPERTY PROCTOR_UNITY_TARGETS)
  set(lines "")
  foreach(target ${targets})
    get_target_property(sources ${target} SOURCES)
    get_target_property(folder ${target} SOURCE_DIR)
    set(line ${target})
    foreach(source ${sources})
      get_filename_component(source ${source} ABSOLUTE BASE_DIR ${folder})
      # What is generated does not exist yet.
      if(EXISTS ${source} AND source MATCHES "\\.cc$")
        list(APPEND line ${source})
      endif()
    endforeach()
    string(APPEND lines "${line}\n")
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
    # What is a source's own is no less so for being included.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endforeach()
  if(NOT targets)
    return()
  endif()
  file(WRITE ${CMAKE_BINARY_DIR}/unity_targets.txt "${lines}")
  execute_process(COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/scripts/unity_groups ${CMAKE_BINARY_DIR}/unity_targets.txt
    OUTPUT_VARIABLE planned COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE ";" "|" planned "${planned}")
  string(REGEX MATCHALL "[^\n]+" planned "${planned}")
  foreach(pair ${planned})
    string(REPLACE "|" ";" pair "${pair}")
    list(GET pair 0 source)
    list(GET pair 1 group)
    list(GET pair 2 target)
    set_source_files_properties(${source} TARGET_DIRECTORY ${target} PROPERTIES UNITY_GROUP ${group})
  endforeach()
endfunction()
