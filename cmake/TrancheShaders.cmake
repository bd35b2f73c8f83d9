# SPDX-License-Identifier: MIT
# tranche_add_shaders(TARGET FILE...): compiles each GLSL source to SPIR-V at
# build time and makes it available to TARGET as the header "NAME.spv.h", which
# defines `static const uint32_t NAME_spv[]`.

find_program(GLSLANG NAMES glslang glslangValidator REQUIRED)

function(tranche_add_shaders target)
  set(dir ${CMAKE_CURRENT_BINARY_DIR}/${target}-shaders)
  file(MAKE_DIRECTORY ${dir})
  foreach(source IN LISTS ARGN)
    get_filename_component(name ${source} NAME_WE)
    set(header ${dir}/${name}.spv.h)
    add_custom_command(
      OUTPUT ${header}
      COMMAND ${GLSLANG} --quiet -V --target-env vulkan1.1
              --vn ${name}_spv -o ${header}
              ${CMAKE_CURRENT_SOURCE_DIR}/${source}
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${source}
      VERBATIM)
    target_sources(${target} PRIVATE ${header})
  endforeach()
  target_include_directories(${target} PRIVATE ${dir})
endfunction()
