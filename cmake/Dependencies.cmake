# Every library from outside, as an imported target lambent_ext_<name>; all come from Debian packages (tools/packages.sh).
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(PkgConfig REQUIRED)

function(lambent_external name)
  cmake_parse_arguments(EXT "" "" "PACKAGES;LIBRARIES" ${ARGN})
  add_library(lambent_ext_${name} INTERFACE)
  foreach(package IN LISTS EXT_PACKAGES)
    pkg_check_modules(PC_${name}_${package} REQUIRED IMPORTED_TARGET ${package})
    target_link_libraries(lambent_ext_${name} INTERFACE PkgConfig::PC_${name}_${package})
  endforeach()
  target_link_libraries(lambent_ext_${name} INTERFACE ${EXT_LIBRARIES})
endfunction()

# Linked in. A server's start is that of three processes, and finding a shared library and its symbols takes each of them
# longer than what most of these are used for.
function(lambent_archive name)
  cmake_parse_arguments(ARC "" "" "FILES;LIBRARIES" ${ARGN})
  add_library(lambent_ext_${name} INTERFACE)
  foreach(file IN LISTS ARC_FILES)
    find_library(LAMBENT_ARCHIVE_${file} lib${file}.a REQUIRED)
    target_link_libraries(lambent_ext_${name} INTERFACE ${LAMBENT_ARCHIVE_${file}})
  endforeach()
  target_link_libraries(lambent_ext_${name} INTERFACE ${ARC_LIBRARIES})
endfunction()

lambent_external(fmt PACKAGES fmt)
lambent_external(openssl LIBRARIES OpenSSL::Crypto)
lambent_external(simdjson PACKAGES simdjson)
lambent_archive(boost_json FILES boost_json boost_container)
lambent_external(boost_url LIBRARIES boost_url)
lambent_archive(rocksdb FILES rocksdb snappy lz4 zstd LIBRARIES z bz2 dl)  # z and bz2 are libzip's as well
lambent_external(libzip PACKAGES libzip)
lambent_archive(seccomp FILES seccomp)
lambent_external(tomlplusplus)
lambent_external(cli11)
lambent_external(boost_beast LIBRARIES Threads::Threads)  # headers only: its parser of HTTP
lambent_external(zlib PACKAGES zlib)
