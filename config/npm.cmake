# codasync_npm(INSTALLED)
#
# Installs what package-lock.json of the current folder lists, into node_modules of its build folder; again only after a change
# of package.json, package-lock.json or .npmrc. Sets the variable INSTALLED to a file that exists afterwards.
find_program(NPM npm)
function(codasync_npm installed)
  if(NOT NPM)
    message(FATAL_ERROR "npm is missing: install the packages of config/packages.")
  endif()
  set(files package.json package-lock.json .npmrc)
  set(stamp ${CMAKE_CURRENT_BINARY_DIR}/node_modules/.package-lock.json)
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  list(TRANSFORM files PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE sources)
  add_custom_command(
    OUTPUT ${stamp}
    COMMAND ${CMAKE_COMMAND} -E copy ${sources} ${CMAKE_CURRENT_BINARY_DIR}
    COMMAND ${NPM} ci > ${CMAKE_CURRENT_BINARY_DIR}/npm.log  # errors are printed
    COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
    DEPENDS ${sources}
    COMMENT "Installing the npm packages of ${folder}"
    VERBATIM)
  set(${installed} ${stamp} PARENT_SCOPE)
endfunction()
