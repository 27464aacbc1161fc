# `cpack -G DEB` in the build folder makes Debian packages (.ci/install package brings what it needs); the target
# `static-tarball` makes one archive with hermes-compile alone, for hooks and CI images.

set(CPACK_PACKAGE_CONTACT "hermes-watch maintainers <maintainers@users.noreply.r-seed-9a214a18.example>")
set(CPACK_PACKAGE_NAME hermes-watch)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL watch runtime dev python)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)

set(LIBRARY libhermes-runtime${PROJECT_VERSION_MAJOR})
set(CPACK_DEBIAN_WATCH_PACKAGE_NAME hermes-watch)
set(CPACK_DEBIAN_WATCH_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_WATCH_DESCRIPTION "Compiles config.yaml and env files into one snapshot, watches them,
 and keeps Hermes's pool of keys in line.")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME ${LIBRARY})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION "The shared library that programs written in C pick their API keys with.")
set(CPACK_DEBIAN_DEV_PACKAGE_NAME libhermes-runtime-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "${LIBRARY} (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_DEV_DESCRIPTION "The header, the archive, the manual and examples of libhermes-runtime.")
set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME python3-hermes-snapshot)
set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
set(CPACK_DEBIAN_PYTHON_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS python3)
set(CPACK_DEBIAN_PYTHON_DESCRIPTION "One module without dependencies that picks API keys from a snapshot.")

set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/.cmake/debian/runtime/triggers)
set(CPACK_DEBIAN_WATCH_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/.cmake/debian/watch/prerm)
set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/.cmake/debian/python/prerm)

# The day of the release stands in CHANGELOG.md; the files in the packages are of that day, so that the same source
# makes the same packages.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS CHANGELOG.md)
file(STRINGS CHANGELOG.md HERMES_RELEASE REGEX "^## \\[${PROJECT_VERSION}\\] - ")
if(NOT HERMES_RELEASE MATCHES "- ([0-9]+-[0-9]+-[0-9]+)$")
    message(FATAL_ERROR "CHANGELOG.md has no date for ${PROJECT_VERSION}")
endif()
set(HERMES_RELEASE "${CMAKE_MATCH_1} 12:00 UTC")
foreach(pair HERMES_RELEASE_DATE:-R HERMES_RELEASE_EPOCH:+%s)
    string(REPLACE ":" ";" pair ${pair})
    list(GET pair 0 variable)
    list(GET pair 1 form)
    execute_process(COMMAND date -u -d ${HERMES_RELEASE} ${form} OUTPUT_VARIABLE ${variable}
                    OUTPUT_STRIP_TRAILING_WHITESPACE)
endforeach()
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_BINARY_DIR}/package_date.cmake)
file(WRITE ${CPACK_PROJECT_CONFIG_FILE} "set(ENV{SOURCE_DATE_EPOCH} ${HERMES_RELEASE_EPOCH})\n")

# What Debian asks of each package: its copyright and a changelog.
find_program(GZIP gzip)
file(READ LICENSE HERMES_LICENSE)
string(REGEX MATCH "Copyright \\(c\\) ([^\n]*)" HERMES_COPYRIGHT "${HERMES_LICENSE}")
set(HERMES_COPYRIGHT ${CMAKE_MATCH_1})
string(REGEX REPLACE "^.*(Permission is hereby.*)$" "\\1" HERMES_LICENSE "${HERMES_LICENSE}")
string(STRIP "${HERMES_LICENSE}" HERMES_LICENSE)
string(REPLACE "\n\n" "\n.\n" HERMES_LICENSE "${HERMES_LICENSE}")
string(REPLACE "\n" "\n " HERMES_LICENSE " ${HERMES_LICENSE}")
foreach(pair watch:hermes-watch runtime:${LIBRARY} dev:libhermes-runtime-dev python:python3-hermes-snapshot)
    string(REPLACE ":" ";" pair ${pair})
    list(GET pair 0 component)
    list(GET pair 1 package)
    set(folder ${CMAKE_BINARY_DIR}/debian/${package})
    configure_file(.cmake/debian/changelog.in ${folder}/changelog @ONLY)
    execute_process(COMMAND ${GZIP} -9nf ${folder}/changelog)
    configure_file(.cmake/debian/copyright.in ${folder}/copyright @ONLY)
    install(FILES ${folder}/changelog.gz ${folder}/copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package}
            COMPONENT ${component} EXCLUDE_FROM_ALL)
endforeach()
# Debian wants manuals compressed, and CMake gives folders the modes that the umask leaves. It is the last rule of each
# component, so that all of them are there.
foreach(component watch runtime dev python)
    install(CODE "
        set(staged \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}\")
        if(staged MATCHES /_CPack_Packages/)
            file(GLOB manuals \"\${staged}/${CMAKE_INSTALL_MANDIR}/*/*.[1-9]\")
            if(manuals)
                execute_process(COMMAND \"${GZIP}\" -9n \${manuals})
            endif()
            execute_process(COMMAND chmod -R u=rwX,go=rX \"\${staged}\")
        endif()" COMPONENT ${component})
endforeach()
include(CPack)

# libcjson has no archive in Debian, so it lies beside the program.
find_library(YAML_ARCHIVE libyaml.a)
find_library(SODIUM_ARCHIVE libsodium.a)
find_library(CJSON_SHARED cjson)
if(YAML_ARCHIVE AND SODIUM_ARCHIVE AND CJSON_SHARED)
    hermes_program(hermes-compile-static EXCLUDE_FROM_ALL compiler/hermes-compile.c)
    target_include_directories(hermes-compile-static PRIVATE $<TARGET_PROPERTY:compiler,INTERFACE_INCLUDE_DIRECTORIES>)
    target_compile_definitions(hermes-compile-static PRIVATE HERMES_VERSION="${PROJECT_VERSION}")
    target_link_libraries(hermes-compile-static PRIVATE $<TARGET_FILE:compiler> $<TARGET_FILE:runtime>
                          $<TARGET_FILE:schema> ${YAML_ARCHIVE} ${SODIUM_ARCHIVE} ${CJSON_SHARED} Threads::Threads m)
    add_dependencies(hermes-compile-static compiler runtime schema)
    set_target_properties(hermes-compile-static PROPERTIES
                          BUILD_RPATH "$ORIGIN" BUILD_RPATH_USE_ORIGIN ON SKIP_BUILD_RPATH OFF)
    set(TARBALL hermes-compile-${PROJECT_VERSION}-${CMAKE_SYSTEM_PROCESSOR})
    add_custom_target(static-tarball VERBATIM DEPENDS hermes-compile-static
        COMMAND sh ${CMAKE_SOURCE_DIR}/.cmake/tarball $<TARGET_FILE:hermes-compile-static> ${CJSON_SHARED} ${TARBALL}
        WORKING_DIRECTORY ${CMAKE_BINARY_DIR})
endif()
