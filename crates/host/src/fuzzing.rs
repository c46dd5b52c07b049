//! What the fuzz targets feed and nobody else calls from outside: the reader of certificate files.

use std::cell::Cell;

use kubeassay_core::facts::Trouble;
use rustix::io::Errno;

use crate::fs::certificate::{MOST, Reader};
use crate::fs::{Opened, Status};

/// A file of these bytes that gives at most `most` of them at once, and remembers how far it was read.
struct Recorded<'a> {
    bytes: &'a [u8],
    most: usize,
    furthest: Cell<usize>,
}

impl Opened for Recorded<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = self.bytes.get(offset..).unwrap_or_default();
        let length = rest.len().min(buffer.len()).min(self.most);
        for (to, from) in buffer.iter_mut().zip(rest.iter().take(length)) {
            *to = *from;
        }
        let end = offset.saturating_add(buffer.len());
        self.furthest.set(self.furthest.get().max(end));
        Ok(length)
    }

    fn status(&self) -> Result<Status, Errno> {
        Err(Errno::NOSYS)
    }
}

/// Returns the first certificate of a file of these bytes, and the end of the furthest read.
pub fn first_certificate(bytes: &[u8], most: usize) -> (Result<Vec<u8>, Trouble>, usize) {
    let file = Recorded {
        bytes,
        most,
        furthest: Cell::new(0),
    };
    let read = Reader::new(&file, "f.pem", MOST).first();
    (read, file.furthest.get())
}
