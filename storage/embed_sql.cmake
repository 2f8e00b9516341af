# cmake -DSOURCE=<this folder> -DOUTPUT=<file.cpp> -P embed_sql.cmake
# Embeds the SQL files as C++, so that the program needs no files at run time.
file(GLOB files ${SOURCE}/migrations/*.sql)
list(SORT files)
set(rows "")
set(expected 1)
foreach(file ${files})
  get_filename_component(stem ${file} NAME_WE)
  if(NOT stem MATCHES "^([0-9][0-9][0-9][0-9])_([a-z0-9_]+)$")
    message(FATAL_ERROR "${file}: the name must be NNNN_what_it_does.sql")
  endif()
  set(name ${CMAKE_MATCH_2})
  math(EXPR number "1${CMAKE_MATCH_1} - 10000")
  if(NOT number EQUAL expected)
    message(FATAL_ERROR "${file}: the next number must be ${expected}")
  endif()
  math(EXPR expected "${expected} + 1")
  file(READ ${file} sql)
  string(APPEND rows "    {${number}, \"${name}\", R\"sql(${sql})sql\"},\n")
endforeach()
file(READ ${SOURCE}/grants.sql grants)
file(WRITE ${OUTPUT} "#include \"storage/postgres/embedded_sql.hpp\"

namespace codasync::storage::embedded {
namespace {

constexpr Migration kRows[] = {
${rows}};

}  // namespace

const std::span<const Migration> kMigrations{kRows};
const std::string_view kGrants{R\"sql(${grants})sql\"};

}  // namespace codasync::storage::embedded
")
