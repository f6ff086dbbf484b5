//! Load: a thread for each core that does nothing but burn it.

use std::{
    hint,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

/// The lowest priority there is.
const NICE_MAX: i32 = 19;

/// Burning cores; dropping the value puts them out.
#[derive(Debug)]
pub(crate) struct Load {
    burning: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// Whom the load gets in the way of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// Everybody.
    Normal,
    /// Nobody: it only keeps the cores from falling asleep.
    Lowest,
}

impl Load {
    pub(crate) fn begin(priority: Priority) -> Self {
        let burning = Arc::new(AtomicBool::new(true));
        let burn = |_| {
            let burning = Arc::clone(&burning);
            thread::spawn(move || {
                if priority == Priority::Lowest {
                    // On Linux this is the thread's own; a system that refuses has a louder load.
                    rustix::process::nice(NICE_MAX).ok();
                }
                while burning.load(Ordering::Relaxed) {
                    hint::spin_loop();
                }
            })
        };
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads = (0..cores).map(burn).collect();
        Self { burning, threads }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.burning.store(false, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // It does nothing that could panic.
            thread.join().ok();
        }
    }
}
