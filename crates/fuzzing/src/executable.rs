//! An executable: its headers, its build information, the version in it.

use std::cell::Cell;
use std::io;

use kubeassay_host::executable::{Executable, ExecutableError, ReadAt, build_information, read};

/// What reading a hostile file may cost in all, as the module promises.
const MOST_READ: u64 = 240 << 20;

/// How large a single read may be: of relocations 96 KiB at once, of variables 16 MiB.
const LARGEST_READ: usize = 16 << 20;

/// The size of the file's own header.
const HEADER: u64 = 64;

/// Reads an input as an executable.
pub(crate) fn run(data: &[u8]) {
    let file = Counted::new(data, usize::MAX);
    let whole = read(&file);
    assert!(
        file.bytes.get() <= MOST_READ,
        "{} bytes were read",
        file.bytes.get()
    );
    if let Ok(executable) = &whole {
        is_sound(executable);
        let build = build_information(&data).expect("it was read before");
        assert_eq!(build, executable.build);
    }
    // A file that gives a few bytes at a time is the same file.
    let slow = Counted::new(data, 7);
    assert_eq!(
        shown(&whole),
        shown(&read(&slow)),
        "short reads make a difference"
    );
    assert!(
        slow.bytes.get() <= MOST_READ,
        "{} bytes were read",
        slow.bytes.get()
    );
}

fn shown(read: &Result<Executable, ExecutableError>) -> String {
    format!("{read:?}")
}

/// Asserts that what was found is a version, told once, in order, and that it was found somewhere.
fn is_sound(executable: &Executable) {
    let version = &executable.version;
    assert_eq!(
        version.versions.is_empty(),
        version.found_by.is_none(),
        "{version:?}"
    );
    assert!(
        version.versions.windows(2).all(|pair| pair[0] < pair[1]),
        "{version:?}"
    );
    for found in &version.versions {
        let minor = found
            .strip_prefix("v1.")
            .and_then(|rest| rest.split('.').next());
        let minor = minor.and_then(|minor| minor.parse::<u16>().ok());
        assert!(
            minor.is_some_and(|minor| (20..=99).contains(&minor)),
            "{version:?}"
        );
        assert!(
            found.bytes().all(|byte| byte.is_ascii_graphic()),
            "{version:?}"
        );
    }
    let minors: Vec<&str> = version
        .versions
        .iter()
        .filter_map(|found| found.split('.').nth(1))
        .collect();
    let told = version.minor().map(|minor| minor.to_string());
    let one = minors.first().filter(|first| {
        minors
            .iter()
            .all(|minor| minor.trim_start_matches('0') == first.trim_start_matches('0'))
    });
    assert_eq!(
        told.as_deref(),
        one.map(|one| one.trim_start_matches('0')),
        "{version:?}"
    );
}

/// A file that counts what is read of it, and gives `at_once` bytes at most.
struct Counted<'a> {
    data: &'a [u8],
    at_once: usize,
    bytes: Cell<u64>,
}

impl<'a> Counted<'a> {
    const fn new(data: &'a [u8], at_once: usize) -> Self {
        Self {
            data,
            at_once,
            bytes: Cell::new(0),
        }
    }
}

impl ReadAt for Counted<'_> {
    fn size(&self) -> u64 {
        self.data.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        assert!(
            buffer.len() <= LARGEST_READ,
            "a read of {} bytes",
            buffer.len()
        );
        let end = offset.checked_add(buffer.len() as u64);
        // Only the file's own header is asked for without knowing that it is there.
        let most = self.size().max(HEADER);
        assert!(
            end.is_some_and(|end| end <= most),
            "a read at {offset} of {} bytes",
            self.size()
        );
        let count = buffer.len().min(self.at_once);
        let read = self.data.read_at(offset, &mut buffer[..count])?;
        self.bytes.set(self.bytes.get() + read as u64);
        Ok(read)
    }
}
