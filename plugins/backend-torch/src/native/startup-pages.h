#pragma once

namespace engine {

/// Unmaps the pages of code and constants that only the loading of libtorch and its libraries touched (some 90 MB of
/// resident memory: relocations, and thousands of registrations spread over everything). What is used comes back from
/// the page cache. Once per process, later calls do nothing; nothing outside Linux.
void dropStartupPages();

}  // namespace engine
