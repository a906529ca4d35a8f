# lambent_protocol(<service> <api-version>)
#
# The module protocol/<service>, generated at build time from botocore's model of the service in LAMBENT_VENV: headers
# "protocol/<service>/types.h" and "protocol/<service>/service.h", namespace lambent::protocol::<service>. It is made
# anew where the model or the generator changes.

find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)
set(LAMBENT_GENERATOR "${CMAKE_SOURCE_DIR}/tools/protocol_generator")

function(lambent_protocol service version)
  execute_process(
    COMMAND ${Python3_EXECUTABLE} -B "${LAMBENT_GENERATOR}/generate.py" --find --venv "${LAMBENT_VENV}"
            --service ${service} --version ${version}
    OUTPUT_VARIABLE model OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "The service models come from botocore: make the virtual environment first (make venv), "
                        "or configure with -DLAMBENT_VENV=<an environment that has botocore>")
  endif()
  set(root "${CMAKE_BINARY_DIR}/include/protocol_${service}")
  set(folder "${root}/protocol/${service}")
  set(sources service.cpp patterns.cpp tables_0.cpp tables_1.cpp)
  set(headers types.h service.h tables.h)
  list(TRANSFORM sources PREPEND "${folder}/")
  list(TRANSFORM headers PREPEND "${folder}/")
  file(GLOB generator CONFIGURE_DEPENDS "${LAMBENT_GENERATOR}/*.py" "${LAMBENT_GENERATOR}/*.json")
  list(FILTER generator EXCLUDE REGEX "test_[^/]*$")

  # The stamp is always newer than the model; the files themselves keep their time where nothing in them changed.
  set(stamp "${folder}/generated.stamp")
  add_custom_command(
    OUTPUT "${stamp}"
    BYPRODUCTS ${sources} ${headers}
    COMMAND ${Python3_EXECUTABLE} -B "${LAMBENT_GENERATOR}/generate.py" --model "${model}" --service ${service} --out "${folder}"
    COMMAND ${CMAKE_COMMAND} -E touch "${stamp}"
    DEPENDS "${model}" ${generator}
    COMMENT "Generating the protocol of ${service} ${version}"
    VERBATIM)
  set_source_files_properties(${sources} PROPERTIES GENERATED TRUE)
  add_custom_target(lambent_protocol_${service}_sources DEPENDS "${stamp}")

  add_library(lambent_protocol_${service} STATIC ${sources})
  add_dependencies(lambent_protocol_${service} lambent_protocol_${service}_sources)
  # Whoever uses the module includes generated headers, so they must exist first: a PUBLIC link orders targets, not files.
  add_library(lambent_protocol_${service}_headers INTERFACE)
  add_dependencies(lambent_protocol_${service}_headers lambent_protocol_${service}_sources)
  target_include_directories(lambent_protocol_${service} PUBLIC "${root}")
  target_link_libraries(lambent_protocol_${service} PUBLIC lambent_protocol lambent_flags lambent_protocol_${service}_headers)
endfunction()
