# SPDX-License-Identifier: MIT
# The kinds of test, each with its label:
#   unit  runs anywhere the build runs
#   fuzz  a libFuzzer target run for a bounded time (preset 'fuzz')
#   lab   runs as root inside a booted lab host; see tests/lab
#   style formatting and static checks of the sources

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

# tranche_add_nightly_test(NAME TIMEOUT S COMMAND C...): the long form of a test
# that runs anywhere; only with `tools/lab test --all`.
function(tranche_add_nightly_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "COMMAND" ${ARGN})
  add_test(NAME ${name} COMMAND ${arg_COMMAND})
  set_tests_properties(${name} PROPERTIES
    LABELS "unit;nightly" TIMEOUT ${arg_TIMEOUT})
endfunction()

set(TRANCHE_FUZZ_SECONDS 10 CACHE STRING "How long each fuzz test runs")

# tranche_add_fuzz_test(NAME SOURCES... [LIBRARIES...]): new inputs for
# TRANCHE_FUZZ_SECONDS, and as NAME.found those that once failed: the files of
# found/NAME beside the target's source.
function(tranche_add_fuzz_test name)
  if(NOT TRANCHE_FUZZ)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_test(NAME ${name}
           COMMAND ${name} -seed=1 -max_total_time=${TRANCHE_FUZZ_SECONDS}
                   -print_final_stats=1)
  math(EXPR limit "${TRANCHE_FUZZ_SECONDS} * 5 + 60")
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT ${limit})
  file(GLOB found CONFIGURE_DEPENDS
       ${CMAKE_CURRENT_SOURCE_DIR}/found/${name}/*)
  if(found)
    add_test(NAME ${name}.found COMMAND ${name} ${found})
    set_tests_properties(${name}.found PROPERTIES LABELS fuzz TIMEOUT 60)
  endif()
endfunction()

set(TRANCHE_LAB_TEST ${CMAKE_SOURCE_DIR}/tools/lab.d/inside/lab-test)

# tranche_add_lab_host(NAME [OPTION]...): a lab host that tests share, booted
# before the first of them and halted after the last. The options are those of
# `tools/lab run`.
function(tranche_add_lab_host name)
  add_test(NAME lab-host.${name}.boot
           COMMAND ${TRANCHE_LAB_TEST} boot ${name} ${ARGN})
  add_test(NAME lab-host.${name}.halt
           COMMAND ${TRANCHE_LAB_TEST} halt ${name})
  set_tests_properties(lab-host.${name}.boot PROPERTIES
    FIXTURES_SETUP lab-host.${name})
  set_tests_properties(lab-host.${name}.halt PROPERTIES
    FIXTURES_CLEANUP lab-host.${name})
  set_tests_properties(lab-host.${name}.boot lab-host.${name}.halt PROPERTIES
    LABELS lab TIMEOUT 700 SKIP_RETURN_CODE 77)
endfunction()

# tranche_add_lab_test(NAME HOST H [NIGHTLY] [TIMEOUT S] COMMAND C...): runs C as
# root in the lab host H, with the build on PATH and the sources at /src.
# Succeeds with status 0 and a kernel log without a fault. TIMEOUT in seconds,
# default 120. NIGHTLY: only with `tools/lab test --all`.
function(tranche_add_lab_test name)
  cmake_parse_arguments(arg "NIGHTLY" "HOST;TIMEOUT" "COMMAND" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  set(labels lab)
  if(arg_NIGHTLY)
    list(APPEND labels nightly)
  endif()
  add_test(NAME ${name} COMMAND
           ${TRANCHE_LAB_TEST} exec ${arg_HOST} ${arg_TIMEOUT} ${arg_COMMAND})
  # Room for the test, one more boot and one more try after a lab host's death.
  math(EXPR limit "2 * ${arg_TIMEOUT} + 700")
  set_tests_properties(${name} PROPERTIES
    LABELS "${labels}" TIMEOUT ${limit} SKIP_RETURN_CODE 77
    FIXTURES_REQUIRED lab-host.${arg_HOST}
    # An emulated processor and the GPU's renderer use two.
    PROCESSORS 2)
endfunction()
