#pragma once

/// Places where tests/faults stops this process or kills it, and three ways to break the cache
/// protocol, so that its checker can be seen to fail. Only in builds with CODASYNC_FAILPOINTS;
/// elsewhere nothing of it is in the program (tests/faults looks).
namespace codasync::failpoint {

#ifdef CODASYNC_FAILPOINTS

/// Kills (SIGKILL) or stops (SIGSTOP) this process when the folder that CODASYNC_FAILPOINT_DIR
/// names holds a file `<point>.kill` or `<point>.stop`, and takes the file away first: who finds it
/// is alone with it.
void reach(const char* point);

/// The same for what happens within about a millisecond from now, while this thread goes on.
void reach_soon(const char* point);

/// Returns: whether CODASYNC_BREAK is this word.
bool broken(const char* rule);

#else

inline void reach(const char*) {}
inline void reach_soon(const char*) {}
constexpr bool broken(const char*) { return false; }

#endif

}  // namespace codasync::failpoint
