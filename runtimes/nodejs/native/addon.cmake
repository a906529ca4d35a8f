# Builds the add-on of the Node.js runtime: sets node_addon to its path. Included where it is embedded (src/instance).
#
# A compiler call of its own: the add-on runs inside sandboxes, so it has none of the tree's flags and sanitizers.
find_path(NODE_INCLUDE_DIR node_api.h PATH_SUFFIXES node REQUIRED)  # Debian: libnode-dev; Node.js's own packages have it

set(native "${CMAKE_SOURCE_DIR}/runtimes/nodejs/native")
set(native_sources "${native}/fork.c" "${native}/line_io.c" "${native}/math_random.c" "${native}/touched_pages.c")
set(native_headers "${native}/line_io.h" "${native}/math_random.h" "${native}/touched_pages.h")
set(node_addon "${CMAKE_CURRENT_BINARY_DIR}/lambent_fork.node")
add_custom_command(
  OUTPUT "${node_addon}"
  COMMAND "${CMAKE_CXX_COMPILER}" -x c -std=c17 -O2 -fPIC -shared -Wall -Wextra -Werror -isystem "${NODE_INCLUDE_DIR}"
    ${native_sources} -o "${node_addon}"
  DEPENDS ${native_sources} ${native_headers}
  VERBATIM)
