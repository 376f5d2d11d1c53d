// SPDX-License-Identifier: GPL-2.0-or-later
// What a conversion changes by nature and no packet shows: named, never hidden.
#pragma once

#include "rewriter/rewrite.hpp"

namespace untrack::rewriter {

/// A limit has got a copy for SYNs.
inline Reason counted_again() {
    return {"",
            "a SYN that is sent again because its answer was lost counts again against limits on "
            "new connections: tracked, it passed as established",
            0,
            {}};
}

}  // namespace untrack::rewriter
