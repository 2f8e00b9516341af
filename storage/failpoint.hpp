#pragma once

/// Points at which tests/faults stops or kills this process. Only builds with CODASYNC_FAILPOINTS
/// contain this code (tests/faults checks that).
namespace codasync::failpoint {

#ifdef CODASYNC_FAILPOINTS

/// Kills (SIGKILL) or stops (SIGSTOP) this process if the folder CODASYNC_FAILPOINT_DIR contains a
/// file `<point>.kill` or `<point>.stop`. It deletes the file first, so one process only acts on
/// it.
void reach(const char* point);

/// The same at a random moment of the next millisecond, while this thread continues.
void reach_soon(const char* point);

#else

inline void reach(const char*) {}
inline void reach_soon(const char*) {}

#endif

}  // namespace codasync::failpoint
