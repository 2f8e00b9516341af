# cmake -DSOURCE=<this folder> -DOUTPUT=<file.cpp> -P embed.cmake
# Embeds the JSON files as C++, so that the program needs no files at run time.
set(constants "")
foreach(name examples operations parameters problems schemas shared)
  file(READ ${SOURCE}/${name}.json text)
  string(APPEND constants "const std::string_view k_${name}{R\"json(${text})json\"};\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"api/openapi/texts.hpp\"

namespace codasync::api::openapi::texts {

${constants}
}  // namespace codasync::api::openapi::texts
")
