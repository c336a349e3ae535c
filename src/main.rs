//! The `seatbatch` program: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    memory::give_back_at_once();
    seatbatch::main()
}

/// Where the program's memory comes from. With several threads the C library's keeps an arena for each, which cost more
/// memory and a tenth more time (docs/performance.md).
#[cfg(target_os = "linux")]
mod memory {
    #[global_allocator]
    static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

    /// `mi_option_purge_delay` in mimalloc.h, which the crate has no name for.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

    /// Has memory that is free given back to the system when it becomes so, and not a second later: a run stays on for
    /// hours, and the most that it ever had is what a machine is sized by.
    #[expect(unsafe_code, reason = "the allocator's options can be set through C alone")]
    pub(super) fn give_back_at_once() {
        // SAFETY: it stores a number in a table of the allocator, which has begun before main. No other thread runs yet, and none
        // of the allocator's promises depend on when it gives memory back.
        unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, 0) };
    }
}
