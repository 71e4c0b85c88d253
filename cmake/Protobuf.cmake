# SPDX-License-Identifier: Apache-2.0
# passgate_protos(TARGET FILES … [LINK …]): protobuf-c code for .proto files below protos/ (google/protobuf/*: those
# that come with protoc), as a system library, because its warnings are not ours.
find_path(PROTOBUF_INCLUDE google/protobuf/descriptor.proto REQUIRED)

function(passgate_protos target)
    cmake_parse_arguments(PROTOS "" "" "FILES;LINK" ${ARGN})
    set(out ${CMAKE_CURRENT_BINARY_DIR}/${target})
    set(sources)
    set(paths)
    foreach(file ${PROTOS_FILES})
        string(REGEX REPLACE "\\.proto$" "" stem ${file})
        list(APPEND sources ${out}/${stem}.pb-c.c ${out}/${stem}.pb-c.h)
        if(EXISTS ${CMAKE_SOURCE_DIR}/protos/${file})
            list(APPEND paths ${CMAKE_SOURCE_DIR}/protos/${file})
        endif()
    endforeach()
    file(MAKE_DIRECTORY ${out})
    add_custom_command(OUTPUT ${sources}
        COMMAND ${PROTOC} --plugin=protoc-gen-c=${PROTOC_GEN_C} -I ${CMAKE_SOURCE_DIR}/protos -I ${PROTOBUF_INCLUDE}
                --c_out=${out} ${PROTOS_FILES}
        DEPENDS ${paths} VERBATIM)
    add_library(${target} STATIC ${sources})
    target_include_directories(${target} SYSTEM PUBLIC ${out})
    target_link_libraries(${target} PUBLIC PkgConfig::PROTOBUF_C ${PROTOS_LINK})
    target_compile_options(${target} PRIVATE -w)
endfunction()

# passgate_descriptor_set(OUTPUT FILES …): a FileDescriptorSet of the files and all that they import.
function(passgate_descriptor_set output)
    cmake_parse_arguments(SET "" "" "FILES" ${ARGN})
    set(paths)
    foreach(file ${SET_FILES})
        list(APPEND paths ${CMAKE_SOURCE_DIR}/protos/${file})
    endforeach()
    add_custom_command(OUTPUT ${output}
        COMMAND ${PROTOC} -I ${CMAKE_SOURCE_DIR}/protos -I ${PROTOBUF_INCLUDE} --include_imports
                --descriptor_set_out=${output} ${SET_FILES}
        DEPENDS ${paths} VERBATIM)
endfunction()
