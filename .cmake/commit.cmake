# Run at each build: OUT says which commit the programs are built from, as Git has it or, in an archive that Git made,
# the file `commit`. It is written only when it changes, so that nothing else is built again.
get_filename_component(source "${SOURCE}" REALPATH)
get_filename_component(above "${source}" DIRECTORY)
set(ENV{GIT_CEILING_DIRECTORIES} "${above}") # a repository around the source is not the source's
execute_process(COMMAND git describe --always --dirty=,\ modified --abbrev=12 --exclude=* WORKING_DIRECTORY "${source}"
                OUTPUT_VARIABLE commit ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
if(failed)
    file(STRINGS "${source}/.cmake/commit" commit)
    if(commit MATCHES "^[0-9a-f]+$")
        string(SUBSTRING "${commit}" 0 12 commit)
    else()
        set(commit unknown)
    endif()
endif()
set(text "#define HERMES_COMMIT \"${commit}\"\n")
set(before "")
if(EXISTS "${OUT}")
    file(READ "${OUT}" before)
endif()
if(NOT text STREQUAL before)
    file(WRITE "${OUT}" "${text}")
endif()
