//! The faults of objects.

use std::sync::{Mutex, PoisonError};

use dropproof::contract::{Handle, Object, Result, Row, Value};

/// An object that can be read for ever.
#[derive(Debug)]
pub(super) struct Remembers {
    pub(super) object: Handle,
    pub(super) known: Mutex<Option<Row>>,
}

impl Object for Remembers {
    fn read(&self) -> Result<Row> {
        let read = self.object.read();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match (read, &*known) {
            (Ok(row), _) => Ok(known.insert(row).clone()),
            (Err(_), Some(row)) => Ok(row.clone()),
            (Err(error), None) => Err(error),
        }
    }

    fn write(&self, column: &str, value: Value) -> Result<()> {
        self.object.write(column, value)
    }

    fn identity(&self) -> usize {
        self.object.identity()
    }
}

/// An object that is another one each time.
#[derive(Debug)]
pub(super) struct Anew(pub(super) Handle);

impl Object for Anew {
    fn read(&self) -> Result<Row> {
        self.0.read()
    }

    fn write(&self, column: &str, value: Value) -> Result<()> {
        self.0.write(column, value)
    }

    fn identity(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}
