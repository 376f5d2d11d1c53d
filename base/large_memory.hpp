// SPDX-License-Identifier: GPL-2.0-or-later
// Memory for tables of many megabytes that are read all over: huge pages, where the kernel has
// them, spare most page faults and misses of the address translation.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <sys/mman.h>

namespace untrack {

/// An allocator for vectors.
template <typename T>
struct LargeMemory {
    using value_type = T;
    LargeMemory() = default;
    template <typename U>
    LargeMemory(const LargeMemory<U>& /*other*/) {}

    T* allocate(std::size_t n) {
        constexpr std::size_t huge_page = std::size_t{2} << 20U;
        std::size_t bytes = n * sizeof(T);
        void* at = nullptr;
        if (bytes < 2 * huge_page) {
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

}  // namespace untrack
