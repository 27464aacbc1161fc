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
add_custom_target(descriptions ALL DEPENDS ${MANUALS})
