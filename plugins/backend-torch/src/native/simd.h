#pragma once

// The loader picks the copy of a loop that suits the processor, so that one build runs everywhere.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define ENGINE_SIMD __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ENGINE_SIMD
#endif
