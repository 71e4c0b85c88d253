# SPDX-License-Identifier: Apache-2.0
# passgate_folder(NAME SOURCES … [LINK …] [PRIVATE_LINK …])
#
# One folder of services/ is one static library `passgate_NAME`, which links what it may use and nothing
# else; tests/style/check_layers.sh holds the same table against the include lines.
function(passgate_folder name)
    cmake_parse_arguments(FOLDER "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
    add_library(passgate_${name} STATIC ${FOLDER_SOURCES})
    target_include_directories(passgate_${name} PUBLIC ${CMAKE_SOURCE_DIR}/services)
    target_link_libraries(passgate_${name} PUBLIC ${FOLDER_LINK} PRIVATE passgate_flags ${FOLDER_PRIVATE_LINK})
endfunction()

# passgate_test(NAME LABEL LABEL… SOURCES … LINK …): one cmocka program, one ctest entry.
function(passgate_test name)
    cmake_parse_arguments(TEST "" "TIMEOUT" "LABELS;SOURCES;LINK" ${ARGN})
    add_executable(${name} ${TEST_SOURCES})
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_link_libraries(${name} PRIVATE ${TEST_LINK} passgate_flags PkgConfig::CMOCKA)
    add_test(NAME ${name} COMMAND ${name})
    if(NOT TEST_TIMEOUT)
        set(TEST_TIMEOUT 60)
    endif()
    set_tests_properties(${name} PROPERTIES LABELS "${TEST_LABELS}" TIMEOUT ${TEST_TIMEOUT}
        ENVIRONMENT "CMOCKA_MESSAGE_OUTPUT=stdout;PASSGATE_SOURCE_DIR=${CMAKE_SOURCE_DIR}")
endfunction()

# passgate_python_test(NAME FILE LABELS … [TIMEOUT SECONDS] [ENVIRONMENT …]): one ctest entry of a Python program, which
# finds passgated and passgate by variables of their names; exit code 77 is "all of it skipped".
function(passgate_python_test name file)
    cmake_parse_arguments(TEST "" "TIMEOUT" "LABELS;ENVIRONMENT" ${ARGN})
    if(NOT TEST_TIMEOUT)
        set(TEST_TIMEOUT 300)
    endif()
    list(APPEND TEST_ENVIRONMENT PASSGATED=$<TARGET_FILE:passgated> PASSGATE=$<TARGET_FILE:passgate> PYTHONDONTWRITEBYTECODE=1)
    add_test(NAME ${name} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/${file})
    set_tests_properties(${name} PROPERTIES LABELS "${TEST_LABELS}" TIMEOUT ${TEST_TIMEOUT} SKIP_RETURN_CODE 77
        ENVIRONMENT "${TEST_ENVIRONMENT}")
endfunction()

# passgate_embed(TARGET SYMBOL FILE): the bytes of FILE as `const unsigned char SYMBOL[]` and
# `const size_t SYMBOL_length`, declared in "SYMBOL.h".
function(passgate_embed target symbol file)
    set(output ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.c)
    add_custom_command(OUTPUT ${output} ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.h
        COMMAND ${PYTHON3} ${CMAKE_SOURCE_DIR}/cmake/embed.py ${symbol} ${file} ${output}
        DEPENDS ${file} ${CMAKE_SOURCE_DIR}/cmake/embed.py VERBATIM)
    target_sources(${target} PRIVATE ${output} ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.h)
    target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
endfunction()
