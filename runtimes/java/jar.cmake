# Builds the jar of the Java runtime: sets java_jar to its path. Included where it is embedded (src/instance).
find_program(JAVAC javac REQUIRED)  # Debian: openjdk-17-jdk-headless
find_program(JAR jar REQUIRED)

file(GLOB java_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/runtimes/java/lambent/runtime/*.java")
set(java_classes "${CMAKE_CURRENT_BINARY_DIR}/java")
set(java_jar "${CMAKE_CURRENT_BINARY_DIR}/lambent_runtime.jar")
add_custom_command(
  OUTPUT "${java_jar}"
  COMMAND "${CMAKE_COMMAND}" -E rm -rf "${java_classes}"
  COMMAND "${JAVAC}" --release 17 -encoding UTF-8 -Xlint:all -Werror -d "${java_classes}" ${java_sources}
  COMMAND "${JAR}" --create --no-compress --date=2026-01-01T00:00:00Z --file "${java_jar}" -C "${java_classes}" .
  DEPENDS ${java_sources}
  VERBATIM)
