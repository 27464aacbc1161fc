# Man pages and completions, made from each program's table of options. zsh's are installed by prefix.

add_executable(print_options runtime/print_options.c)
target_link_libraries(print_options PRIVATE watcher fleet)
set(PAGES compiler/hermes-compile compiler/hermes-fleet watcher/hermes-watch)
if(HERMES_RELAY)
    target_compile_definitions(print_options PRIVATE HERMES_RELAY)
    target_link_libraries(print_options PRIVATE relay)
    list(APPEND PAGES runtime/relay/hermes-relay)
endif()
foreach(page ${PAGES})
    get_filename_component(program ${page} NAME)
    set(description ${CMAKE_BINARY_DIR}/description/${program})
    add_custom_command(OUTPUT ${description}.1 ${description}.bash ${description}.zsh ${description}.fish
        DEPENDS print_options ${page}.1.in VERBATIM
        COMMAND print_options ${program} ${CMAKE_SOURCE_DIR}/${page}.1.in ${description})
    list(APPEND MANUALS ${description}.1)
    list(APPEND COMPLETIONS ${description}.zsh)
    install(FILES ${description}.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ${program}
            COMPONENT watch)
    install(FILES ${description}.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT watch)
endforeach()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/description)

# The pages of the settings, of the snapshot and of the library's functions.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
file(STRINGS runtime/library/hermes_runtime.h FUNCTIONS REGEX "^[a-z].*hermes_[a-z_]+\\(")
list(TRANSFORM FUNCTIONS REPLACE ".*(hermes_[a-z_]+)\\(.*" "${CMAKE_BINARY_DIR}/description/\\1.3"
     OUTPUT_VARIABLE FUNCTION_PAGES)
set(FORMAT_PAGES ${CMAKE_BINARY_DIR}/description/hermes-watch.5 ${CMAKE_BINARY_DIR}/description/hermes-snapshot.5)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS runtime/library/hermes_runtime.h)
add_custom_command(OUTPUT ${FORMAT_PAGES} ${FUNCTION_PAGES} VERBATIM
    DEPENDS hermes-compile .cmake/manual schema/snapshot.schema.json runtime/library/hermes_runtime.h README.md
            CHANGELOG.md
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/.cmake/manual ${CMAKE_BINARY_DIR}/description
            $<TARGET_FILE:hermes-compile>)
add_custom_target(descriptions ALL DEPENDS ${MANUALS} ${FORMAT_PAGES} ${FUNCTION_PAGES})
