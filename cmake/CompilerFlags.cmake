# SPDX-License-Identifier: Apache-2.0
# How C is compiled here: gnu11, a picky compiler, and hardening in every build type.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Assertions are for bugs and stay on in release builds.
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELWITHDEBINFO "${CMAKE_C_FLAGS_RELWITHDEBINFO}")

add_library(passgate_flags INTERFACE)
target_compile_definitions(passgate_flags INTERFACE _GNU_SOURCE
                           PASSGATE_VERSION="${PROJECT_VERSION}")
target_compile_options(passgate_flags INTERFACE
    -Werror=implicit-function-declaration -Werror=incompatible-pointer-types -Werror=int-conversion
    -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wundef -Wvla -Wformat=2 -Wcast-align -Wpointer-arith -Wwrite-strings -Wswitch-enum
    -fno-common -fstack-protector-strong -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
if(PASSGATE_FAILPOINTS)
    target_compile_definitions(passgate_flags INTERFACE PASSGATE_FAILPOINTS=1)
else()
    target_compile_definitions(passgate_flags INTERFACE PASSGATE_FAILPOINTS=0)
endif()

if(PASSGATE_SANITIZE)
    add_compile_options(-fsanitize=${PASSGATE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${PASSGATE_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
add_link_options(-Wl,-z,relro,-z,now)
