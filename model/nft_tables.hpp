// SPDX-License-Identifier: GPL-2.0-or-later
// Inside of lower_nft(): tables and chains while the commands of a file are replayed.
#pragma once

#include <deque>
#include <string_view>
#include <vector>

#include "model/nft_scope.hpp"
#include "model/ruleset.hpp"

namespace untrack::model {

struct NftDevice {
    std::string_view name;
    bool wildcard = false;  ///< the name is a prefix
};

struct NftChain {
    std::vector<const nft::Node*> rules;  ///< of the file, as they stand now
    bool there = false;
    const nft::Node* hook = nullptr;  ///< of a base chain
    std::vector<NftDevice> devices;
    bool devices_read = true;  ///< all of them
};

struct NftTable {
    nft::Family family = nft::Family::ip;
    TableId id;
    NftScope::Sets sets;
    std::vector<ChainId> chains;           ///< as they were made
    std::deque<const nft::Node*> objects;  ///< declared: they may need conntrack by themselves
    bool dormant = false;
    bool there = true;
};

}  // namespace untrack::model
