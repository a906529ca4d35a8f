# lambent_module(<folder> SOURCES … [DEPENDS <folder> …] [EXTERNAL <name> …] [TESTS …] [TEST_DEPENDS <folder> …] [THREADS])
#
# One folder of src/ is one static library. A module sees the headers of exactly the modules it DEPENDS on (and of what
# those depend on): every module's headers stand behind an include root of their own, so a wrong-way include does
# not compile. The rank below states the direction for the whole tree; configuring fails where DEPENDS goes against it.
# Tests (GoogleTest) sit beside the code; all of a module's tests make one executable, <folder>_test. THREADS marks a
# module that uses more than one thread: its tests run under ThreadSanitizer too.

set(LAMBENT_RANKS
  base:0 net:1 store:2
  protocol:3 identity:3 edge:3
  sandbox:4 egress:4 catalog:4 telemetry:4 event_pattern:4
  runtime_api:5 extensions:5 instance:6
  tables:7 objects:7 queues:7 scheduler:7
  invoke:8
  triggers:9 services/lambda:9 services/dynamodb:9 services/sts:9 services/iam:9
  services/dynamodbstreams:10 console:10 cli:10
  main:11)

function(lambent_rank folder out)
  string(REGEX REPLACE "^protocol/.*" "protocol" key "${folder}")
  foreach(entry IN LISTS LAMBENT_RANKS)
    if(entry MATCHES "^(.*):([0-9]+)$" AND CMAKE_MATCH_1 STREQUAL key)
      set(${out} ${CMAKE_MATCH_2} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "module ${folder} has no rank in cmake/LambentModule.cmake")
endfunction()

function(lambent_module folder)
  cmake_parse_arguments(MOD "THREADS" "" "SOURCES;DEPENDS;EXTERNAL;TESTS;TEST_DEPENDS;TEST_EXTERNAL" ${ARGN})
  string(REPLACE "/" "_" name "${folder}")
  lambent_rank(${folder} rank)

  set(root "${CMAKE_BINARY_DIR}/include/${name}")
  get_filename_component(parent "${root}/${folder}" DIRECTORY)
  file(MAKE_DIRECTORY "${parent}")
  file(CREATE_LINK "${CMAKE_SOURCE_DIR}/src/${folder}" "${root}/${folder}" SYMBOLIC)

  add_library(lambent_${name} STATIC ${MOD_SOURCES})
  target_include_directories(lambent_${name} PUBLIC "${root}")
  target_link_libraries(lambent_${name} PUBLIC lambent_flags lambent_ext_fmt)
  foreach(dependency IN LISTS MOD_DEPENDS)
    lambent_rank(${dependency} lower)
    if(lower GREATER rank OR (lower EQUAL rank AND NOT dependency MATCHES "^(${folder}|protocol)" AND NOT folder MATCHES "^protocol/"))
      message(FATAL_ERROR "wrong way: ${folder} (${rank}) may not depend on ${dependency} (${lower})")
    endif()
    string(REPLACE "/" "_" dependency "${dependency}")
    target_link_libraries(lambent_${name} PUBLIC lambent_${dependency})
  endforeach()
  foreach(external IN LISTS MOD_EXTERNAL)
    target_link_libraries(lambent_${name} PUBLIC lambent_ext_${external})
  endforeach()

  if(LAMBENT_TESTS AND MOD_TESTS)
    find_package(GTest REQUIRED)
    include(GoogleTest)
    add_executable(${name}_test ${MOD_TESTS})
    target_link_libraries(${name}_test PRIVATE lambent_${name} GTest::gmock GTest::gtest_main)
    foreach(dependency IN LISTS MOD_TEST_DEPENDS)
      string(REPLACE "/" "_" dependency "${dependency}")
      target_link_libraries(${name}_test PRIVATE lambent_${dependency})
    endforeach()
    if(NOT TARGET unit_tests)
      add_custom_target(unit_tests)
    endif()
    add_dependencies(unit_tests ${name}_test)
    add_test(NAME ${name}_test COMMAND ${name}_test)
    set_tests_properties(${name}_test PROPERTIES TIMEOUT 600)
    if(MOD_THREADS)
      if(NOT TARGET thread_tests)
        add_custom_target(thread_tests)
      endif()
      add_dependencies(thread_tests ${name}_test)
      set_tests_properties(${name}_test PROPERTIES LABELS threads)
    endif()
  endif()
endfunction()
