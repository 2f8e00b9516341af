#pragma once

#include <string_view>

// The JSON files of this folder, embedded by embed.cmake. README.md says what each contains.

namespace codasync::api::openapi::texts {

extern const std::string_view k_examples;
extern const std::string_view k_operations;
extern const std::string_view k_parameters;
extern const std::string_view k_problems;
extern const std::string_view k_schemas;
extern const std::string_view k_shared;

}  // namespace codasync::api::openapi::texts
