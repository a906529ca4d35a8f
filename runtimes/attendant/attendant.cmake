# Builds the attendant: sets attendant_program to its path. Included where it is embedded (src/instance).
#
# A compiler call of its own: it runs inside sandboxes, so it has none of the tree's flags and sanitizers.
set(attendant_program "${CMAKE_CURRENT_BINARY_DIR}/lambent_attendant")
add_custom_command(
  OUTPUT "${attendant_program}"
  COMMAND "${CMAKE_CXX_COMPILER}" -x c -std=c17 -O2 -static -s -Wall -Wextra -Werror
    "${CMAKE_SOURCE_DIR}/runtimes/attendant/attendant.c" -o "${attendant_program}"
  DEPENDS "${CMAKE_SOURCE_DIR}/runtimes/attendant/attendant.c"
  VERBATIM)
