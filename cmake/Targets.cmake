# Warnings are errors, for our own code only.
add_library(cv_warnings INTERFACE)
target_compile_options(cv_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
  -Woverloaded-virtual -Wimplicit-fallthrough -Werror)
# GCC 12 sees overlapping copies in plain std::string assignments that have none (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(cv_warnings INTERFACE -Wno-restrict)
endif()

# cv_library(folder LINK …): the library cv_<folder> of every source below src/<folder>, and the test program
# <folder>_test of every *_test.cc beside them.
function(cv_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  add_library(cv_${name} STATIC ${sources})
  target_include_directories(cv_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(cv_${name} PUBLIC ${ARG_LINK} Threads::Threads PRIVATE cv_warnings)
  if(tests)
    cv_test(${name}_test SOURCES ${tests} LINK cv_${name})
  endif()
endfunction()

# cv_test(name SOURCES … LINK …): a GoogleTest program, known to ctest as one test.
function(cv_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 1200)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(${name} PRIVATE ${ARG_LINK} cv_test_support GTest::gtest GTest::gmock GTest::gtest_main cv_warnings)
  # What is tested is optimised; the tests themselves would only take longer to compile.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  # A compile cache may make __FILE__ relative to the folder of the build.
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_BINARY_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
endfunction()
