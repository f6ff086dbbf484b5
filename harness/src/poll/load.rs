//! A busy machine, for tests: one thread per core that burns it.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
};

/// Runs `work` while one thread per core burns it, and stops them also where it panics.
pub(crate) fn under_load<T>(work: impl FnOnce() -> T) -> T {
    struct Fire<'a>(&'a AtomicBool);
    impl Drop for Fire<'_> {
        fn drop(&mut self) {
            self.0.store(false, SeqCst);
        }
    }
    let burning = AtomicBool::new(true);
    let cores = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while burning.load(SeqCst) {
                    std::hint::spin_loop();
                }
            });
        }
        let _fire = Fire(&burning);
        work()
    })
}
