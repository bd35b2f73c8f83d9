# SPDX-License-Identifier: MIT
# Compiler settings shared by all user-space targets.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# One folder of programs, so that one entry in PATH is enough.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

add_compile_options(
  -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wshadow
  -Wvla -Wpointer-arith -Wwrite-strings -fno-common -fno-strict-aliasing)
add_compile_definitions(_GNU_SOURCE)
include_directories(${CMAKE_SOURCE_DIR})

if(TRANCHE_SANITIZE)
  add_compile_options(-fsanitize=${TRANCHE_SANITIZE}
                      -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TRANCHE_SANITIZE})
endif()
if(TRANCHE_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "TRANCHE_FUZZ needs Clang: use the preset 'fuzz'")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
