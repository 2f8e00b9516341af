#pragma once

#include "storage/import/column_choice.hpp"

namespace codasync::storage {

/// Adds the questions about what a choice does not use or lacks. A column of GTINs that agrees with
/// the chosen one becomes `compared` instead of a question. Pure.
void ask_about(ColumnChoice& choice, const ColumnInput& input);

}  // namespace codasync::storage
