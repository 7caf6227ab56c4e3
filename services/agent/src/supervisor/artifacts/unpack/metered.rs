//! A reader that gives no more than it may.

use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
};

/// How many bytes may still be read; who holds a clone can change it.
#[derive(Clone, Debug, Default)]
pub(super) struct Budget(Rc<Cell<u64>>);

/// Reads within a budget.
#[derive(Debug)]
pub(super) struct Metered<R> {
    inner: R,
    budget: Budget,
}

// === impl Budget ===

impl Budget {
    /// So many from now on.
    pub(super) fn set(&self, bytes: u64) {
        self.0.set(bytes);
    }
}

// === impl Metered ===

impl<R> Metered<R> {
    pub(super) fn new(inner: R, budget: Budget) -> Self {
        Self { inner, budget }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.budget.0.get();
        if left == 0 {
            return Err(io::Error::other("a head is too large"));
        }
        let length = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = self.inner.read(buffer.get_mut(..length).unwrap_or_default())?;
        self.budget.set(left.saturating_sub(read as u64));
        Ok(read)
    }
}
