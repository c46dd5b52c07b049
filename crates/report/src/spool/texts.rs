//! Texts one behind the other: in memory as long as they are few, then in a file.

use std::fmt;
use std::io::{self, BufWriter, Cursor, Read, Seek, Write};

use crate::RenderError;

/// How much is written at once, in bytes.
const CHUNK: usize = 64 << 10;

/// What takes text and gives it back: a file, or memory.
pub trait Scratch: Read + Write + Seek {}

impl<T: Read + Write + Seek> Scratch for T {}

/// Where text waits that has no place in its document yet.
pub struct Room {
    /// Bytes that may be held in memory.
    memory: usize,
    /// Makes the file for what is more.
    make: Option<Box<MakeScratch>>,
}

type MakeScratch = dyn FnOnce() -> io::Result<Box<dyn Scratch>>;

impl Room {
    /// Everything is held in memory.
    pub const MEMORY: Self = Self {
        memory: 0,
        make: None,
    };

    /// As many bytes are held in memory; for what is more, `make` makes a file. Where it cannot, memory is taken.
    pub fn new(
        memory: usize,
        make: impl FnOnce() -> io::Result<Box<dyn Scratch>> + 'static,
    ) -> Self {
        Self {
            memory,
            make: Some(Box::new(make)),
        }
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room")
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}

/// Texts one behind the other.
pub(crate) struct Texts {
    store: Store,
    room: Room,
    /// Bytes that are stored.
    length: u64,
}

enum Store {
    Memory(Vec<u8>),
    File(BufWriter<Box<dyn Scratch>>),
}

impl Texts {
    pub(crate) const fn new(room: Room) -> Self {
        Self {
            store: Store::Memory(Vec::new()),
            room,
            length: 0,
        }
    }

    /// Returns where what is added next will stand.
    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// Adds bytes behind what is there.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), RenderError> {
        if let Store::Memory(held) = &mut self.store
            && held.len() + bytes.len() > self.room.memory
            // Asked for once: where there is no file, there is none later.
            && let Some(make) = self.room.make.take()
            && let Ok(file) = make()
        {
            let mut file = BufWriter::with_capacity(CHUNK, file);
            file.write_all(held).map_err(kept)?;
            self.store = Store::File(file);
        }
        match &mut self.store {
            Store::Memory(held) => held.extend_from_slice(bytes),
            Store::File(file) => file.write_all(bytes).map_err(kept)?,
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Returns what they are read from.
    pub(crate) fn into_scratch(self) -> Result<Box<dyn Scratch>, RenderError> {
        Ok(match self.store {
            Store::Memory(held) => Box::new(Cursor::new(held)),
            Store::File(file) => file
                .into_inner()
                .map_err(|error| kept(error.into_error()))?,
        })
    }
}

/// Returns the error of a place that does not keep what it is given.
pub(crate) fn kept(source: io::Error) -> RenderError {
    RenderError::Keep { source }
}
