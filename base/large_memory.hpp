// SPDX-License-Identifier: GPL-2.0-or-later
// Memory for vectors of many megabytes: huge pages, where the kernel has them, spare most page
// faults and misses of the address translation.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <sys/mman.h>
#include <vector>

namespace untrack {

inline constexpr std::size_t huge_page = std::size_t{2} << 20U;

/// An allocator for vectors; those of fewer than `least` bytes have common memory.
template <typename T, std::size_t least>
struct LargeMemory {
    using value_type = T;
    template <typename U>
    struct rebind {
        using other = LargeMemory<U, least>;
    };
    LargeMemory() = default;
    template <typename U>
    LargeMemory(const LargeMemory<U, least>& /*other*/) {}

    T* allocate(std::size_t n) {
        std::size_t bytes = n * sizeof(T);
        void* at = nullptr;
        if (bytes < least) {
            at = std::malloc(bytes);
        } else {
            bytes = (bytes + huge_page - 1) / huge_page * huge_page;
            at = std::aligned_alloc(huge_page, bytes);
            // Only advice: what the kernel makes of it does not matter.
            if (at != nullptr) madvise(at, bytes, MADV_HUGEPAGE);
        }
        if (at == nullptr) throw std::bad_alloc();
        return static_cast<T*>(at);
    }
    void deallocate(T* at, std::size_t /*n*/) { std::free(at); }
    friend bool operator==(const LargeMemory&, const LargeMemory&) { return true; }
};

/// For what is read all over.
template <typename T>
using LargeTable = std::vector<T, LargeMemory<T, 2 * huge_page>>;

/// For what is written and read in order. Its end costs up to a huge page that nothing uses, which
/// only very long ones are worth.
template <typename T>
using LargeVector = std::vector<T, LargeMemory<T, 8 * huge_page>>;

}  // namespace untrack
