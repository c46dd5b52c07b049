//! Builds small Go programs, byte by byte, for tests: no machine code, but every header that is read.

use super::elf::ByteOrder;

const HEADER: usize = 64;
const SEGMENT: usize = 56;
const SECTION: usize = 64;
const SECTIONS: usize = 7;
const NAMES: &[u8] = b"\0.rodata\0.data\0.go.buildinfo\0.rela.dyn\0.bss\0.shstrtab\0";
const PF_R: u32 = 4;
const PF_W: u32 = 2;
const SHF_ALLOC: u64 = 2;

/// How the build information is laid down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As strings in its own section, since Go 1.18.
    Inline,
    /// As pointers to string variables, before.
    Pointers,
}

/// Where something lies that a pointer can point to.
#[derive(Debug, Clone, Copy)]
enum Place {
    Constants(usize),
    Variables(usize),
    Zeros,
}

/// A program that is being put together.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) position_independent: bool,
    pub(super) order: ByteOrder,
    pub(super) machine: u16,
    constants: Vec<u8>,
    variables: Vec<u8>,
    build: Vec<u8>,
    /// Pointers: where they lie in the variables or in the build information, and what they point to.
    variable_pointers: Vec<(usize, Place)>,
    build_pointers: Vec<(usize, Place)>,
}

impl Program {
    pub(super) fn new() -> Self {
        Self {
            position_independent: false,
            order: ByteOrder::Little,
            machine: 62,
            constants: b"gopher".to_vec(),
            variables: vec![0; 8],
            build: Vec::new(),
            variable_pointers: Vec::new(),
            build_pointers: Vec::new(),
        }
    }

    pub(super) fn position_independent(mut self) -> Self {
        self.position_independent = true;
        self
    }

    pub(super) fn machine(mut self, machine: u16, order: ByteOrder) -> Self {
        (self.machine, self.order) = (machine, order);
        self
    }

    /// Adds a string variable whose text is packed between others.
    pub(super) fn variable(mut self, text: &str) -> Self {
        self.add_variable(text);
        self.constants.extend(b"next");
        self
    }

    /// Adds a string variable as the linker's `-X` makes it.
    pub(super) fn stamped(mut self, text: &str) -> Self {
        self.add_variable(text);
        self.constants.push(0);
        self
    }

    /// Adds the build information; the lines are those of `go version -m`.
    pub(super) fn build_information(mut self, form: Form, go_version: &str, lines: &str) -> Self {
        let modules = if lines.is_empty() {
            String::new()
        } else {
            format!("{0}{lines}{0}", "0123456789abcdef")
        };
        self.build = b"\xff Go buildinf:\x08".to_vec();
        match form {
            Form::Inline => {
                self.build.push(2);
                self.build.resize(32, 0);
                for text in [go_version, &modules] {
                    self.build.extend(varint(text.len()));
                    self.build.extend(text.as_bytes());
                }
            }
            Form::Pointers => {
                self.build.push(u8::from(self.order == ByteOrder::Big));
                self.build.resize(32, 0);
                let variable = Place::Variables(self.add_variable(go_version));
                self.build_pointers.push((16, variable));
                let modules = if modules.is_empty() {
                    Place::Zeros
                } else {
                    Place::Variables(self.add_variable(&modules))
                };
                self.build_pointers.push((24, modules));
            }
        }
        self
    }

    fn add_variable(&mut self, text: &str) -> usize {
        let at = self.variables.len();
        self.variable_pointers
            .push((at, Place::Constants(self.constants.len())));
        self.variables.extend([0; 8]);
        self.variables.extend(self.u64(text.len() as u64));
        self.constants.extend(text.as_bytes());
        at
    }

    /// Lays it all down: headers, section names, constants, relocations (not writable); variables, build
    /// information (writable); zeros that are in memory alone.
    #[expect(
        clippy::too_many_lines,
        reason = "a file is laid down from its beginning to its end"
    )]
    pub(super) fn bytes(&self) -> Vec<u8> {
        let base: usize = if self.position_independent {
            0
        } else {
            0x40_0000
        };
        let names_at = HEADER + 2 * SEGMENT + SECTIONS * SECTION;
        let constants_at = names_at + NAMES.len();
        let relocations_at = (constants_at + self.constants.len()).next_multiple_of(8);
        let pointers = self.variable_pointers.len() + self.build_pointers.len();
        let relocations_size = if self.position_independent {
            24 * pointers
        } else {
            0
        };
        let variables_at = relocations_at + relocations_size;
        let build_at = variables_at + self.variables.len().next_multiple_of(16);
        let end = build_at + self.build.len();
        // The writable part is loaded one page further up than it lies in the file.
        let address_of = |at: usize| {
            if at < variables_at {
                base + at
            } else {
                base + 0x1000 + at
            }
        };
        let place = |place: &Place| match place {
            Place::Constants(at) => address_of(constants_at + at),
            Place::Variables(at) => address_of(variables_at + at),
            Place::Zeros => address_of(end + 8),
        };

        let mut bytes = Vec::new();
        bytes.extend(b"\x7fELF\x02");
        bytes.extend([
            if self.order == ByteOrder::Little {
                1
            } else {
                2
            },
            1,
            0,
        ]);
        bytes.extend([0; 8]);
        bytes.extend(self.u16(if self.position_independent { 3 } else { 2 }));
        bytes.extend(self.u16(self.machine));
        bytes.extend(self.u32(1));
        bytes.extend(self.u64(0));
        bytes.extend(self.u64(HEADER as u64));
        bytes.extend(self.u64((HEADER + 2 * SEGMENT) as u64));
        bytes.extend(self.u32(0));
        for number in [HEADER, SEGMENT, 2, SECTION, SECTIONS, SECTIONS - 1] {
            bytes.extend(self.u16(u16::try_from(number).unwrap()));
        }
        for (flags, from, to, zeros) in [
            (PF_R, 0, variables_at, 0),
            (PF_R | PF_W, variables_at, end, 64),
        ] {
            bytes.extend(self.u32(1));
            bytes.extend(self.u32(flags));
            for number in [
                from,
                address_of(from),
                address_of(from),
                to - from,
                to - from + zeros,
                0x1000,
            ] {
                bytes.extend(self.u64(number as u64));
            }
        }
        for (name, kind, flags, from, size) in [
            ("", 0, 0, 0, 0),
            (".rodata", 1, SHF_ALLOC, constants_at, self.constants.len()),
            (".data", 1, SHF_ALLOC, variables_at, self.variables.len()),
            (".go.buildinfo", 1, SHF_ALLOC, build_at, self.build.len()),
            (".rela.dyn", 4, SHF_ALLOC, relocations_at, relocations_size),
            (".bss", 8, SHF_ALLOC, end, 64),
            (".shstrtab", 3, 0, names_at, NAMES.len()),
        ] {
            let name = NAMES
                .windows(name.len() + 1)
                .position(|w| w.strip_prefix(name.as_bytes()) == Some(b"\0"));
            bytes.extend(self.u32(u32::try_from(name.unwrap()).unwrap()));
            bytes.extend(self.u32(kind));
            for number in [
                flags,
                address_of(from) as u64,
                from as u64,
                size as u64,
                0,
                8,
                0,
            ] {
                bytes.extend(self.u64(number));
            }
        }
        bytes.extend(NAMES);
        bytes.extend(&self.constants);
        bytes.resize(relocations_at, 0);
        let all = self
            .variable_pointers
            .iter()
            .map(|(at, to)| (variables_at + at, to));
        let all = all.chain(
            self.build_pointers
                .iter()
                .map(|(at, to)| (build_at + at, to)),
        );
        if self.position_independent {
            let relative = match self.machine {
                62 => 8,
                183 => 1027,
                other => panic!("machine {other}"),
            };
            for (at, to) in all.clone() {
                for number in [address_of(at), relative, place(to)] {
                    bytes.extend(self.u64(number as u64));
                }
            }
        }
        bytes.extend(&self.variables);
        bytes.resize(build_at, 0);
        bytes.extend(&self.build);
        if !self.position_independent {
            for (at, to) in all {
                bytes[at..at + 8].copy_from_slice(&self.u64(place(to) as u64));
            }
        }
        bytes
    }

    fn u16(&self, number: u16) -> [u8; 2] {
        if self.order == ByteOrder::Little {
            number.to_le_bytes()
        } else {
            number.to_be_bytes()
        }
    }

    fn u32(&self, number: u32) -> [u8; 4] {
        if self.order == ByteOrder::Little {
            number.to_le_bytes()
        } else {
            number.to_be_bytes()
        }
    }

    fn u64(&self, number: u64) -> [u8; 8] {
        if self.order == ByteOrder::Little {
            number.to_le_bytes()
        } else {
            number.to_be_bytes()
        }
    }
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(low & 0x7f);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
