# lambent_embed_files(<target> <output.cpp> <namespace::function> BASE <folder> FILES <paths relative to BASE …>
#                     [BUILT <name> <absolute path of a file that the build makes> …])
#
# Compiles files into the binary: defines `std::span<const lambent::EmbeddedFile> function()` (base/embedded_file.h).
function(lambent_embed_files target output function)
  cmake_parse_arguments(EMBED "" "BASE" "FILES;BUILT" ${ARGN})
  string(REGEX REPLACE "::[^:]+$" "" namespace "${function}")
  string(REGEX REPLACE "^.*::" "" name "${function}")
  set(arrays "")
  set(entries "")
  set(index 0)
  set(inputs "")
  set(pairs ${EMBED_BUILT})
  foreach(file IN LISTS EMBED_FILES)
    list(APPEND pairs "${file}" "${EMBED_BASE}/${file}")
  endforeach()
  while(pairs)
    list(POP_FRONT pairs file path)
    list(APPEND inputs "${path}")
    # The closing zero keeps empty files legal; it is not part of the content.
    string(APPEND arrays "constexpr char kFile${index}[] = {\n#embed \"${path}\" suffix(,)\n0};\n")
    string(APPEND entries "    {\"${file}\", {kFile${index}, sizeof kFile${index} - 1}},\n")
    math(EXPR index "${index} + 1")
  endwhile()
  file(CONFIGURE OUTPUT "${output}" CONTENT "// Made by cmake/EmbedFiles.cmake.
#include \"base/embedded_file.h\"

#pragma clang diagnostic ignored \"-Wc23-extensions\"

namespace ${namespace} {
namespace {
${arrays}
constexpr lambent::EmbeddedFile kFiles[] = {
${entries}};
}  // namespace

std::span<const lambent::EmbeddedFile> ${name}() { return kFiles; }

}  // namespace ${namespace}
" @ONLY)
  set_source_files_properties("${output}" PROPERTIES OBJECT_DEPENDS "${inputs}")
  # A target of its own, without ccache: what stands behind #embed is not part of what it hashes.
  add_library(${target}_${name} OBJECT "${output}")
  set_target_properties(${target}_${name} PROPERTIES CXX_COMPILER_LAUNCHER "")
  target_link_libraries(${target}_${name} PRIVATE lambent_flags)
  target_include_directories(${target}_${name} PRIVATE "${CMAKE_BINARY_DIR}/include/base")
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:${target}_${name}>)
endfunction()
