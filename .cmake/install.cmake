# What is installed, by package: `watch` the programs, `runtime` the library for strangers, `dev` what its users compile
# with, `python` the same for Python.

set(HERMES_PC_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH HERMES_PREFIX_FROM_PC ${HERMES_PC_DIRECTORY} ${CMAKE_INSTALL_PREFIX})
file(RELATIVE_PATH HERMES_INCLUDE_FROM_PC ${HERMES_PC_DIRECTORY} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
configure_file(runtime/library/hermes-runtime.pc.in hermes-runtime.pc @ONLY)

set(UNITS ${CMAKE_BINARY_DIR}/hermes-watch.service ${CMAKE_BINARY_DIR}/hermes-watch@.service)
if(HERMES_RELAY)
    configure_file(runtime/relay/hermes-relay.service.in hermes-relay.service @ONLY)
    list(APPEND UNITS ${CMAKE_BINARY_DIR}/hermes-relay.service ${CMAKE_SOURCE_DIR}/runtime/relay/hermes-relay.socket)
    install(TARGETS hermes-relay COMPONENT watch)
endif()

# CMake writes it anew at the end, and could not if root had made it.
install(CODE "file(REMOVE \"${CMAKE_BINARY_DIR}/install_manifest.txt\")" COMPONENT watch)

# Where systemd and Python look depends on the prefix, which is known when it is installed. Units name absolute paths.
configure_file(.cmake/install_by_prefix.cmake.in install_by_prefix.cmake @ONLY)
install(SCRIPT ${CMAKE_BINARY_DIR}/install_by_prefix.cmake COMPONENT watch)
install(CODE "set(HERMES_PYTHON_ONLY ON)" COMPONENT python)
install(SCRIPT ${CMAKE_BINARY_DIR}/install_by_prefix.cmake COMPONENT python)

install(TARGETS hermes-compile hermes-fleet hermes-watch COMPONENT watch)
install(TARGETS hermes-http DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/hermes COMPONENT watch)
install(FILES ${MANUALS} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT watch)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/hermes-watch COMPONENT watch)
install(DIRECTORY runtime/examples/monitoring DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/hermes-watch COMPONENT watch)
install(DIRECTORY compiler/examples/ DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/hermes-watch/examples COMPONENT watch)
install(FILES schema/snapshot.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/hermes COMPONENT watch)

install(TARGETS hermes-runtime
        LIBRARY COMPONENT runtime NAMELINK_COMPONENT dev
        PUBLIC_HEADER DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev)
install(FILES ${RUNTIME_ARCHIVE} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
install(FILES ${CMAKE_BINARY_DIR}/hermes-runtime.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
install(FILES ${FORMAT_PAGES} DESTINATION ${CMAKE_INSTALL_MANDIR}/man5 COMPONENT watch)
install(FILES ${FUNCTION_PAGES} runtime/library/libhermes-runtime.3
        DESTINATION ${CMAKE_INSTALL_MANDIR}/man3 COMPONENT dev)
install(FILES ${RUNTIME_EXAMPLES} DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libhermes-runtime-dev/examples COMPONENT dev)

# What an installation and the demos need, and no tests.
add_custom_target(programs)
add_dependencies(programs hermes-compile hermes-fleet hermes-http hermes-watch hermes-runtime hermes-runtime-archive
                 descriptions ${EXAMPLES})
if(HERMES_RELAY)
    add_dependencies(programs hermes-relay)
endif()

add_custom_target(uninstall VERBATIM
    COMMAND ${CMAKE_COMMAND} -DMANIFEST=${CMAKE_BINARY_DIR}/install_manifest.txt
            -P ${CMAKE_SOURCE_DIR}/.cmake/uninstall.cmake)
