# Flags for every target: warnings are errors, sanitizers by preset, ccache and lld where present.
add_library(lambent_flags INTERFACE)
target_compile_options(lambent_flags INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -Wimplicit-fallthrough -Wunreachable-code -Wextra-semi -Wno-missing-field-initializers)

set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -fno-omit-frame-pointer")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG -fstack-protector-strong -D_FORTIFY_SOURCE=2")

if(LAMBENT_SANITIZE)
  # libstdc++'s and Debian's libraries are not instrumented; what crosses into them is not seen.
  add_compile_options(-fsanitize=${LAMBENT_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LAMBENT_SANITIZE})
endif()
if(LAMBENT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
find_program(LAMBENT_LLD ld.lld-19)
if(LAMBENT_LLD)
  add_link_options(-fuse-ld=lld-19)
endif()
find_program(LAMBENT_CCACHE ccache)
if(LAMBENT_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND};-E;env;CCACHE_BASEDIR=${CMAKE_SOURCE_DIR};CCACHE_NOHASHDIR=1;${LAMBENT_CCACHE}")
endif()
