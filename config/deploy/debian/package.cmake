# The Debian package: what it installs, and what it needs. config/deploy/debian/build makes it.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # the script builds what is installed, not the tests

set(folder ${CMAKE_CURRENT_SOURCE_DIR}/config/deploy/debian)
set(made ${CMAKE_CURRENT_BINARY_DIR}/debian)
file(MAKE_DIRECTORY ${made})

# The manual and the completions are made from the commands of the program.
add_custom_command(
  OUTPUT ${made}/codasync.1.gz ${made}/codasync ${made}/_codasync ${made}/codasync.fish
  COMMAND sh -c "$<TARGET_FILE:codasync> man | gzip --best --no-name >${made}/codasync.1.gz"
  COMMAND sh -c "$<TARGET_FILE:codasync> completion bash >${made}/codasync"
  COMMAND sh -c "$<TARGET_FILE:codasync> completion zsh >${made}/_codasync"
  COMMAND sh -c "$<TARGET_FILE:codasync> completion fish >${made}/codasync.fish"
  DEPENDS codasync
  VERBATIM)
add_custom_command(
  OUTPUT ${made}/changelog.gz
  COMMAND sh -c "gzip --best --no-name --stdout ${CMAKE_CURRENT_SOURCE_DIR}/CHANGELOG.md >${made}/changelog.gz"
  DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/CHANGELOG.md
  VERBATIM)
# It names the versions of installed packages, which no rule can depend on.
add_custom_target(codasync_sbom
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/config/sbom --build ${CMAKE_BINARY_DIR} --output ${made}/sbom.cdx.json
  DEPENDS codasync codasync_nginx
  VERBATIM)
add_custom_target(codasync_package
  DEPENDS codasync codasync_nginx codasync_docs codasync_console codasync_sbom ${made}/codasync.1.gz ${made}/changelog.gz)

# The units are those of config/deploy/systemd, with the folders of a package.
file(GLOB units CONFIGURE_DEPENDS config/deploy/systemd/*.service config/deploy/systemd/*.target)
foreach(unit ${units})
  get_filename_component(name ${unit} NAME)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${unit})
  file(READ ${unit} text)
  string(REPLACE "/usr/local/" "/usr/" text "${text}")
  file(WRITE ${made}/units/${name} "${text}")
  install(FILES ${made}/units/${name} DESTINATION /lib/systemd/system)
endforeach()

install(TARGETS codasync DESTINATION bin)
get_target_property(module codasync_nginx MODULE)
get_target_property(site codasync_docs SITE)
install(FILES ${module} DESTINATION lib/codasync)
install(PROGRAMS nginx/render DESTINATION lib/codasync)
install(FILES nginx/codasync.conf.template DESTINATION lib/codasync)
install(DIRECTORY ${site}/ DESTINATION share/codasync/docs)
get_target_property(site codasync_console SITE)
install(DIRECTORY ${site}/ DESTINATION share/codasync/console)
install(FILES storage/setup.sql config/example.toml DESTINATION share/codasync)
install(FILES ${folder}/copyright config/README.md DESTINATION share/doc/codasync)
install(FILES ${made}/changelog.gz ${made}/sbom.cdx.json DESTINATION share/doc/codasync)
install(FILES ${made}/codasync.1.gz DESTINATION share/man/man1)
install(FILES ${made}/codasync DESTINATION share/bash-completion/completions)
install(FILES ${made}/_codasync DESTINATION share/zsh/vendor-completions)
install(FILES ${made}/codasync.fish DESTINATION share/fish/vendor_completions.d)
install(FILES config/deploy/systemd/sysusers.conf DESTINATION lib/sysusers.d RENAME codasync.conf)
# With the addresses of the units.
file(READ config/example.toml text)
string(REPLACE "\"127.0.0.1:11211\"" "\"unix:/run/codasync-memcached/socket\"" text "${text}")
string(REPLACE "key_file = \"\"" "key_file = \"/etc/codasync/cache-key\"" text "${text}")
file(WRITE ${made}/codasync.toml "${text}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS config/example.toml)
install(FILES ${made}/codasync.toml DESTINATION /etc/codasync)

# The module belongs to one version of Nginx; its package says which ones have the same interface.
execute_process(COMMAND dpkg-query --show --showformat=\${Provides} nginx
  OUTPUT_VARIABLE nginx_provides ERROR_QUIET)
string(REGEX MATCH "nginx-abi-[^, ]+" nginx_interface "${nginx_provides}")
if(NOT nginx_interface)
  set(nginx_interface nginx)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME codasync)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "CodaSync <codasync@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "shop inventory API server")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "Stores the earliest expiry date and the quantity of each product on the shelf\n of each shop, and answers reads from Memcached through Nginx.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "nginx, ${nginx_interface}, memcached, python3-minimal, systemd | systemd-standalone-sysusers")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "postgresql-15, pgbouncer, prometheus")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${folder}/postinst ${folder}/prerm ${folder}/postrm ${folder}/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
include(CPack)
