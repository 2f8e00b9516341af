#include "api/cli/cli.hpp"

int main(int argc, char** argv) { return codasync::api::cli::run(argc, argv); }
