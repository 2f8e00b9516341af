# Protections against the abuse of memory errors, for everything that is linked with codasync_build. The look-up module has its
# own list in nginx/CMakeLists.txt. tests/system/hardening_test.py checks the results.
include(CheckCXXCompilerFlag)

target_compile_options(codasync_build INTERFACE -fPIE -fstack-protector-strong -fstack-clash-protection)
target_link_options(codasync_build INTERFACE -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)

# CET: indirect jumps and returns lead only where the compiler allows it, on processors and kernels that check it.
check_cxx_compiler_flag(-fcf-protection=full CODASYNC_CF_PROTECTION)
if(CODASYNC_CF_PROTECTION)
  target_compile_options(codasync_build INTERFACE -fcf-protection=full)
endif()

# Sizes of buffers are checked in calls of the C library (FORTIFY), which needs an optimising compiler, and indices in those of
# C++ (assertions). The sanitizers check both themselves; coverage is
# counted without optimisation.
if(NOT CODASYNC_SANITIZE AND NOT CODASYNC_COVERAGE)
  target_compile_options(codasync_build INTERFACE
    "$<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3>" -D_GLIBCXX_ASSERTIONS)
endif()
