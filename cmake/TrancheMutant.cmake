# SPDX-License-Identifier: MIT
# Mutants: sources with one rule broken, to show that a test notices. What is
# tested carries no trace of it.

# tranche_mutate_sources(OUT NAME DIR FILE FROM TO SOURCE...): sets OUT to the
# SOURCEs of DIR with FILE replaced by a copy in which the one occurrence of FROM
# is TO. Configuring fails when FROM is not there exactly once.
function(tranche_mutate_sources out name dir file from to)
  set(source ${dir}/${file})
  set(mutant ${CMAKE_CURRENT_BINARY_DIR}/mutants/${name}/${file})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  # In quotes: semicolons would be taken for list separators.
  file(READ ${source} text)
  string(FIND "${text}" "${from}" first)
  string(FIND "${text}" "${from}" last REVERSE)
  if(first EQUAL -1 OR NOT first EQUAL last)
    message(FATAL_ERROR "mutant ${name}: not exactly once in ${file}: ${from}")
  endif()
  string(REPLACE "${from}" "${to}" text "${text}")
  file(CONFIGURE OUTPUT ${mutant} CONTENT "${text}" @ONLY)
  set(sources ${ARGN})
  list(REMOVE_ITEM sources ${file})
  list(TRANSFORM sources PREPEND ${dir}/)
  set(${out} ${sources} ${mutant} PARENT_SCOPE)
endfunction()

# tranche_add_mutant_test(TARGET SOURCES S... FAILURE REGEX [ARGS A...]): a test
# that passes when the program made of S fails and says REGEX.
function(tranche_add_mutant_test target)
  cmake_parse_arguments(arg "" "FAILURE" "SOURCES;ARGS" ${ARGN})
  add_executable(${target} ${arg_SOURCES})
  # A broken rule may leave something without a use.
  target_compile_options(${target} PRIVATE
    -O2 -Wno-unused -Wno-unused-parameter)
  add_test(NAME ${target} COMMAND ${target} ${arg_ARGS})
  set_tests_properties(${target} PROPERTIES
    LABELS unit TIMEOUT 300 PASS_REGULAR_EXPRESSION "${arg_FAILURE}")
endfunction()
