# Everything comes from Debian packages, except DuckDB and librdkafka: scripts/setup puts the pinned ones under .deps (DuckDB
# only where the system has none).
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Threads REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(GTest REQUIRED)
pkg_check_modules(fmt REQUIRED IMPORTED_TARGET fmt)
pkg_check_modules(isal REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(curl REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(pugixml REQUIRED IMPORTED_TARGET pugixml)
pkg_check_modules(simdjson REQUIRED IMPORTED_TARGET simdjson)

set(CV_DUCKDB_HINT ${CMAKE_SOURCE_DIR}/.deps/duckdb)
find_path(DUCKDB_INCLUDE_DIR duckdb.h HINTS ${CV_DUCKDB_HINT}/include REQUIRED)
find_library(DUCKDB_LIBRARY duckdb HINTS ${CV_DUCKDB_HINT}/lib REQUIRED)
add_library(duckdb::duckdb SHARED IMPORTED)
set_target_properties(duckdb::duckdb PROPERTIES IMPORTED_LOCATION ${DUCKDB_LIBRARY}
  INTERFACE_INCLUDE_DIRECTORIES ${DUCKDB_INCLUDE_DIR})

set(CV_RDKAFKA ${CMAKE_SOURCE_DIR}/.deps/librdkafka)
find_path(RDKAFKA_INCLUDE_DIR librdkafka/rdkafka.h PATHS ${CV_RDKAFKA}/include NO_DEFAULT_PATH REQUIRED)
find_library(RDKAFKA_LIBRARY librdkafka.a PATHS ${CV_RDKAFKA}/lib NO_DEFAULT_PATH REQUIRED)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
add_library(rdkafka::rdkafka STATIC IMPORTED)
set_target_properties(rdkafka::rdkafka PROPERTIES IMPORTED_LOCATION ${RDKAFKA_LIBRARY}
  INTERFACE_INCLUDE_DIRECTORIES ${RDKAFKA_INCLUDE_DIR})
target_link_libraries(rdkafka::rdkafka INTERFACE PkgConfig::curl PkgConfig::zstd OpenSSL::SSL ZLIB::ZLIB Threads::Threads
  ${CMAKE_DL_LIBS} m)

# Compile cache where there is one that works: ccache stops a build whose user has no home to write to.
find_program(CCACHE ccache)
if(CCACHE)
  set(CV_CCACHE_PROBE ${CMAKE_BINARY_DIR}/CMakeFiles/ccache_probe.cc)
  file(TOUCH ${CV_CCACHE_PROBE})
  execute_process(COMMAND ${CCACHE} ${CMAKE_CXX_COMPILER} -c ${CV_CCACHE_PROBE} -o ${CV_CCACHE_PROBE}.o
    RESULT_VARIABLE CV_CCACHE_FAILED OUTPUT_QUIET ERROR_QUIET)
  if(NOT CV_CCACHE_FAILED)
    # Another clone's results count too: paths are taken from here.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
  endif()
endif()
