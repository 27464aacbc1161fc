# Removes what the last `cmake --install` put in place, by its own list.
if(NOT EXISTS "${MANIFEST}")
    message(FATAL_ERROR "nothing is installed from here: there is no ${MANIFEST}")
endif()
file(STRINGS "${MANIFEST}" files)
foreach(file ${files})
    message(STATUS "Removing: $ENV{DESTDIR}${file}")
    file(REMOVE "$ENV{DESTDIR}${file}")
endforeach()
