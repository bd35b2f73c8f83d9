# SPDX-License-Identifier: MIT
# The kinds of test, each with its label:
#   unit  runs anywhere the build runs
#   fuzz  a libFuzzer target run for a bounded time (preset 'fuzz')
#   lab   runs as root inside a booted lab host; see tests/lab

# tranche_add_unit_test(NAME SOURCES... [LIBRARIES...] [TIMEOUT S])
function(tranche_add_unit_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LIBRARIES" ${ARGN})
  pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} PkgConfig::CMOCKA)
  add_test(NAME ${name} COMMAND ${name})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES
    LABELS unit TIMEOUT ${arg_TIMEOUT})
endfunction()

# tranche_add_fuzz_test(NAME SOURCES... [LIBRARIES...] [SECONDS S])
function(tranche_add_fuzz_test name)
  if(NOT TRANCHE_FUZZ)
    return()
  endif()
  cmake_parse_arguments(arg "" "SECONDS" "SOURCES;LIBRARIES" ${ARGN})
  if(NOT arg_SECONDS)
    set(arg_SECONDS 60)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_test(NAME ${name}
           COMMAND ${name} -max_total_time=${arg_SECONDS} -print_final_stats=1)
  math(EXPR limit "${arg_SECONDS} * 5")
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT ${limit})
endfunction()
