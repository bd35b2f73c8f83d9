# SPDX-License-Identifier: MIT
# sched_add_mutant(NAME FILE FROM TO) builds the property test against the
# core with the one occurrence of FROM in FILE replaced by TO, and adds a test
# that passes if the property test finds the fault. The core itself carries no
# trace of it. Configuring fails when FROM is no longer there exactly once.
function(sched_add_mutant name file from to)
  set(source ${CMAKE_SOURCE_DIR}/scheduler/core/${file})
  set(mutant ${CMAKE_CURRENT_BINARY_DIR}/mutants/${name}/${file})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})

  # Semicolons would be taken for list separators.
  file(READ ${source} text)
  string(FIND "${text}" "${from}" first)
  string(FIND "${text}" "${from}" last REVERSE)
  if(first EQUAL -1 OR NOT first EQUAL last)
    message(FATAL_ERROR "mutant ${name}: not exactly once in ${file}: ${from}")
  endif()
  string(REPLACE "${from}" "${to}" text "${text}")
  file(CONFIGURE OUTPUT ${mutant} CONTENT "${text}" @ONLY)

  get_target_property(sources tranche-sched SOURCES)
  list(REMOVE_ITEM sources ${file})
  list(TRANSFORM sources PREPEND ${CMAKE_SOURCE_DIR}/scheduler/core/)
  set(target sched-mutant-${name})
  add_executable(${target} property-test.c invariants.c world.c
                 ${sources} ${mutant})
  target_include_directories(${target} PRIVATE
                             ${CMAKE_SOURCE_DIR}/scheduler/core)
  target_compile_options(${target} PRIVATE -O2 -Wno-unused)
  add_test(NAME ${target} COMMAND ${target} --seed 1 --steps 10000000)
  set_tests_properties(${target} PROPERTIES
    LABELS unit TIMEOUT 300 PASS_REGULAR_EXPRESSION "again: ")
endfunction()
