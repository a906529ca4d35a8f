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

lambent_external(fmt PACKAGES fmt)
lambent_external(openssl LIBRARIES OpenSSL::Crypto)
lambent_external(simdjson PACKAGES simdjson)
lambent_external(boost_json LIBRARIES boost_json boost_container)
lambent_external(boost_url LIBRARIES boost_url)
# Linked in: as a shared library its 16,000 symbols are looked up at each start of each process, a third of that start.
find_library(LAMBENT_ROCKSDB librocksdb.a REQUIRED)
lambent_external(rocksdb LIBRARIES ${LAMBENT_ROCKSDB} gflags snappy z bz2 lz4 zstd dl)
lambent_external(libzip PACKAGES libzip)
lambent_external(seccomp PACKAGES libseccomp)
lambent_external(tomlplusplus)
lambent_external(cli11)
lambent_external(boost_beast LIBRARIES Threads::Threads)  # headers only: its parser of HTTP
lambent_external(zlib PACKAGES zlib)
