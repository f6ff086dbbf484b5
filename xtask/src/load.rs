//! Load: a thread for each core that does nothing but burn it.

use std::{
    hint,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

/// Burning cores; dropping the value puts them out.
#[derive(Debug)]
pub(crate) struct Load {
    burning: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn begin() -> Self {
        let burning = Arc::new(AtomicBool::new(true));
        let burn = |_| {
            let burning = Arc::clone(&burning);
            thread::spawn(move || {
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
