#include "storage/model/barcode/symbology.hpp"

namespace codasync::barcode {
namespace {

// Source: GS1 General Specifications, figure 5.1.2-2.
constexpr Symbology kSymbologies[] = {
    {"]E0", "EAN-13", Carries::gtin_13},       {"]E4", "EAN-8", Carries::gtin_8},
    {"]I1", "ITF-14", Carries::gtin_14},       {"]C1", "GS1-128", Carries::elements},
    {"]e0", "GS1 DataBar", Carries::elements}, {"]d2", "GS1 DataMatrix", Carries::elements},
    {"]Q3", "GS1 QR Code", Carries::elements}, {"]J1", "GS1 DotCode", Carries::elements},
    {"]C0", "Code 128", Carries::any_text},    {"]d1", "Data Matrix", Carries::any_text},
    {"]Q1", "QR Code", Carries::any_text},     {"]J0", "DotCode", Carries::any_text},
};

}  // namespace

const Symbology* find_symbology(std::string_view code) {
  for (const auto& each : kSymbologies) {
    if (code.starts_with(each.identifier)) return &each;
  }
  return nullptr;
}

}  // namespace codasync::barcode
