# SPDX-License-Identifier: MIT
# Kernel modules. Kbuild builds them; CMake only stages the sources, because
# Kbuild would otherwise write beside them.

set(TRANCHE_KERNEL_DIRS "auto" CACHE STRING
    "Kernel build folders to build modules for; 'auto' for all installed, \
empty for none")
find_program(TRANCHE_MAKE NAMES gmake make)

# tranche_add_module(NAME KBUILD FILE SOURCES... [UAPI ...]): NAME.ko for each
# kernel, in ${CMAKE_BINARY_DIR}/NAME/<release>/. Targets: NAME.ko for all of
# them, NAME.ko-<release> for one.
function(tranche_add_module name)
  cmake_parse_arguments(arg "" "KBUILD" "SOURCES;UAPI" ${ARGN})
  set(dirs ${TRANCHE_KERNEL_DIRS})
  if(dirs STREQUAL "auto")
    file(GLOB dirs CONFIGURE_DEPENDS /lib/modules/*/build)
  endif()
  add_custom_target(${name}.ko ALL)
  foreach(dir IN LISTS dirs)
    if(NOT EXISTS ${dir}/include/config/kernel.release)
      message(STATUS "${name}.ko: ${dir} is no prepared kernel, skipped")
      continue()
    endif()
    file(STRINGS ${dir}/include/config/kernel.release release LIMIT_COUNT 1)
    set(stage ${CMAKE_BINARY_DIR}/${name}/${release})
    file(MAKE_DIRECTORY ${stage}/uapi)
    set(copy_uapi)
    if(arg_UAPI)
      set(copy_uapi COMMAND ${CMAKE_COMMAND} -E copy_if_different
          ${arg_UAPI} ${stage}/uapi)
    endif()
    # The environment of the user-space build is not the kernel's.
    add_custom_command(
      OUTPUT ${stage}/${name}.ko
      COMMAND ${CMAKE_COMMAND} -E copy_if_different
              ${arg_KBUILD} ${arg_SOURCES} ${stage}
      ${copy_uapi}
      COMMAND ${CMAKE_COMMAND} -E env --unset=MAKEFLAGS --unset=CFLAGS
              ${TRANCHE_MAKE} --no-print-directory -s -C ${dir} M=${stage}
              modules
      COMMAND ${CMAKE_COMMAND} -E touch ${stage}/${name}.ko
      DEPENDS ${arg_KBUILD} ${arg_SOURCES} ${arg_UAPI}
      COMMENT "Building ${name}.ko for ${release}"
      VERBATIM)
    add_custom_target(${name}.ko-${release} DEPENDS ${stage}/${name}.ko)
    add_dependencies(${name}.ko ${name}.ko-${release})
  endforeach()
endfunction()
