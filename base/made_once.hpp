// SPDX-License-Identifier: GPL-2.0-or-later
// What is made when somebody asks first; other threads that ask meanwhile wait.
#pragma once

#include <memory>
#include <mutex>

namespace untrack {

template <typename T>
class MadeOnce {
  public:
    template <typename Make>
    const T& get(Make make) {
        std::call_once(once_, [&] { value_ = std::make_unique<const T>(make()); });
        return *value_;
    }
    /// nullptr when nobody has asked; not to be called while somebody may.
    [[nodiscard]] const T* if_made() const { return value_.get(); }

  private:
    std::once_flag once_;
    std::unique_ptr<const T> value_;
};

}  // namespace untrack
