//! Programs put together by [`Program`], as Go's linker lays them down, and what is read from them.

use std::{cell::Cell, io};

use proptest::prelude::*;

use super::{
    elf::ByteOrder,
    testing::{Form, Program},
    *,
};

const LINES: &str = "path\tk8s.io/kubernetes/cmd/kubelet\nmod\tk8s.io/kubernetes\t(devel)\t\n";
const UNSTAMPED: &str = "v0.0.0-master+$Format:%H$";

fn kubelet() -> Program {
    Program::new().build_information(Form::Inline, "go1.24.6", LINES)
}

fn version(program: &Program) -> VersionFinding {
    read(&program.bytes()).unwrap().version
}

fn found(versions: &[&str], found_by: FoundBy) -> VersionFinding {
    VersionFinding {
        versions: versions.iter().map(|&version| version.to_owned()).collect(),
        found_by: Some(found_by),
    }
}

fn build(lines: &str) -> BuildInformation {
    let program =
        Program::new()
            .variable("v1.29.0")
            .build_information(Form::Inline, "go1.24.6", lines);
    build_information(&program.bytes()).unwrap()
}

#[test]
fn an_official_build_is_known_by_its_stamped_variable() {
    let program = kubelet()
        .variable("v1.29.7")
        .stamped("v1.34.2")
        .stamped("34")
        .stamped("v1.34.2")
        .variable(UNSTAMPED);
    let executable = read(&program.bytes()).unwrap();
    assert_eq!(executable.build.go_version, "go1.24.6");
    assert_eq!(
        executable.build.main_package.as_deref(),
        Some("k8s.io/kubernetes/cmd/kubelet")
    );
    assert_eq!(executable.version, found(&["v1.34.2"], FoundBy::Variable));
    assert_eq!(executable.version.minor(), Some(34));
}

#[test]
fn a_position_independent_build_has_its_pointers_in_relocations() {
    for machine in [62, 183] {
        let program = kubelet()
            .stamped("v1.34.2")
            .position_independent()
            .machine(machine, ByteOrder::Little);
        assert_eq!(version(&program), found(&["v1.34.2"], FoundBy::Variable));
    }
}

#[test]
fn pointers_to_the_build_information_are_followed() {
    let program = Program::new()
        .build_information(Form::Pointers, "go1.15.15", LINES)
        .stamped("v1.20.2");
    let big = Program::new()
        .machine(22, ByteOrder::Big)
        .build_information(Form::Pointers, "go1.15.15", LINES);
    for program in [program.clone(), program.position_independent(), big] {
        let build = build_information(&program.bytes()).unwrap();
        assert_eq!(build.go_version, "go1.15.15");
        assert_eq!(
            build.main_package.as_deref(),
            Some("k8s.io/kubernetes/cmd/kubelet")
        );
    }
}

#[test]
fn a_build_without_modules_has_an_empty_list_of_them() {
    let program = Program::new()
        .build_information(Form::Pointers, "go1.15.15", "")
        .stamped("v1.20.2");
    let executable = read(&program.bytes()).unwrap();
    assert_eq!(executable.build.main_package, None);
    assert_eq!(executable.version, found(&["v1.20.2"], FoundBy::Variable));
}

#[test]
fn a_version_in_the_source_code_counts_where_nothing_is_stamped() {
    assert_eq!(
        version(&kubelet().variable("v1.31.4+k3s1")),
        found(&["v1.31.4+k3s1"], FoundBy::Variable)
    );
    assert_eq!(
        version(&kubelet().variable("v1.31.4").variable("v1.30.0")),
        found(&["v1.30.0", "v1.31.4"], FoundBy::Variable)
    );
}

#[test]
fn an_unstamped_build_is_of_no_version() {
    assert_eq!(
        version(&kubelet().variable("v1.31.4").variable(UNSTAMPED)),
        VersionFinding::default()
    );
    assert_eq!(
        version(
            &kubelet()
                .variable("v1.31.4")
                .variable("v0.0.0-master+abc123")
        ),
        VersionFinding::default()
    );
    assert_eq!(version(&kubelet()), VersionFinding::default());
}

#[test]
fn stamped_versions_of_different_minors_are_not_known() {
    let program = kubelet().stamped("v1.34.2").stamped("v1.33.0-k3s1");
    assert_eq!(
        version(&program),
        found(&["v1.33.0-k3s1", "v1.34.2"], FoundBy::Variable)
    );
    assert_eq!(version(&program).minor(), None);
}

#[test]
fn stamped_versions_of_one_minor_tell_that_minor() {
    let program = kubelet().stamped("v1.34.1+k3s1").stamped("v1.34.0-k3s1");
    assert_eq!(
        version(&program),
        found(&["v1.34.0-k3s1", "v1.34.1+k3s1"], FoundBy::Variable)
    );
    assert_eq!(version(&program).minor(), Some(34));
}

#[test]
fn padded_texts_are_not_taken_for_stamped_ones() {
    let program = Program::new()
        .machine(22, ByteOrder::Big)
        .stamped("v1.29.7")
        .variable(UNSTAMPED);
    assert_eq!(
        version(&program.build_information(Form::Inline, "go1.24.6", LINES)),
        VersionFinding::default()
    );
}

#[test]
fn too_many_versions_are_refused_not_cut_off() {
    let many = |count: u32| {
        (0..count).fold(kubelet(), |program, patch| {
            program.variable(&format!("v1.30.{patch}"))
        })
    };
    assert_eq!(version(&many(16)).versions.len(), 16);
    let error = read(&many(17).bytes()).unwrap_err();
    assert!(matches!(
        error,
        ExecutableError::TooLarge {
            part: "version variables",
            ..
        }
    ));
}

#[test]
fn the_recorded_flags_of_the_linker_name_the_version() {
    let lines = "build\t-ldflags=\"-s -w -X 'k8s.io/component-base/version.gitVersion=v1.31.0' \
                 -X k8s.io/kubernetes/vendor/k8s.io/component-base/version.gitVersion=v1.32.9-eks-113cf36\"\n";
    let program =
        Program::new()
            .variable("v1.29.0")
            .build_information(Form::Inline, "go1.24.6", lines);
    assert_eq!(
        version(&program),
        found(&["v1.32.9-eks-113cf36"], FoundBy::BuildInformation)
    );
}

#[test]
fn the_module_of_kubernetes_names_the_version() {
    let module = |lines| build(lines).kubernetes_module.map(|module| module.version);
    assert_eq!(
        module("mod\tk8s.io/kubernetes\tv1.33.1\t\n").as_deref(),
        Some("v1.33.1")
    );
    assert_eq!(
        module("dep\tk8s.io/kubernetes\tv1.33.1\th1:abc=\n").as_deref(),
        Some("v1.33.1")
    );
    let replaced = "mod\texample.org/x\tv1.40.0\t\ndep\tk8s.io/kubernetes\tv1.33.1\n=>\tgithub.com/k3s-io/kubernetes\tv1.33.2-k3s1\th1:abc=\n\
                    dep\tk8s.io/api\tv0.33.1\n=>\tgithub.com/k3s-io/api\tv1.30.0\n";
    assert_eq!(module(replaced).as_deref(), Some("v1.33.2-k3s1"));
    assert_eq!(module("mod\texample.org/x\tv1.40.0\t\n"), None);
    let program =
        Program::new()
            .stamped("v1.29.0")
            .build_information(Form::Inline, "go1.24.6", replaced);
    assert_eq!(
        version(&program),
        found(&["v1.33.2-k3s1"], FoundBy::BuildInformation)
    );
}

#[test]
fn flags_and_module_that_disagree_are_not_known() {
    let lines = "mod\tk8s.io/kubernetes\tv1.33.1\nbuild\t-ldflags=-X=k8s.io/component-base/version.gitVersion=v1.34.0\n";
    let program = Program::new().build_information(Form::Inline, "go1.24.6", lines);
    assert_eq!(
        version(&program),
        found(&["v1.33.1", "v1.34.0"], FoundBy::BuildInformation)
    );
}

#[test]
fn versions_read_as_those_of_kubernetes_do() {
    for (text, minor) in [
        ("v1.34.2", Some(34)),
        ("v1.35.0-alpha.0.0.20250901120000-abcdef123456", Some(35)),
        ("v1.30.4+03a907c", Some(30)),
        ("v1.32.4-gke.1106006", Some(32)),
        ("v1.20.0", Some(20)),
        ("v1.19.16", None),
        ("v1.100.0", None),
        ("v2.34.2", None),
        ("1.34.2", None),
        ("v1.34", None),
        ("v1.34.", None),
        ("v1.34.2 ", None),
        ("v1.34.2.1", None),
        ("v1.34.2-a b", None),
        ("v1.0034.2", None),
        ("v1.34.2222", None),
        ("", None),
    ] {
        assert_eq!(kubernetes_minor(text.as_bytes()), minor, "{text}");
    }
    assert_eq!(
        kubernetes_minor(format!("v1.34.2-{}", "a".repeat(64)).as_bytes()),
        Some(34)
    );
    assert_eq!(
        kubernetes_minor(format!("v1.34.2-{}", "a".repeat(65)).as_bytes()),
        None
    );
}

#[test]
fn other_files_are_told_apart() {
    let error = |bytes: &[u8]| read(&bytes).unwrap_err();
    assert!(matches!(error(b""), ExecutableError::NotElf));
    assert!(matches!(
        error(b"#!/bin/sh\nexec kubelet\n"),
        ExecutableError::NotElf
    ));
    assert!(matches!(
        error(&Program::new().bytes()),
        ExecutableError::NotGo
    ));
    let mut bytes = kubelet().bytes();
    bytes[4] = 1;
    assert!(matches!(
        error(&bytes),
        ExecutableError::Unsupported("32-bit programs")
    ));
    let mut bytes = kubelet().bytes();
    bytes[16] = 1;
    assert!(matches!(
        error(&bytes),
        ExecutableError::Unsupported("ELF files other than programs")
    ));
}

#[test]
fn a_truncated_program_is_an_error_and_no_panic() {
    let inline = kubelet().stamped("v1.34.2");
    let pointers = Program::new()
        .build_information(Form::Pointers, "go1.15.15", LINES)
        .stamped("v1.20.2");
    for program in [
        &inline,
        &inline.clone().position_independent(),
        &pointers,
        &pointers.clone().position_independent(),
    ] {
        let bytes = program.bytes();
        assert!(read(&bytes).is_ok());
        for end in 0..bytes.len() {
            // The version stands in what is left, or the error says what is missing: never "no version".
            match read(&&bytes[..end]) {
                Ok(executable) => assert!(executable.version.minor().is_some(), "{end}"),
                Err(ExecutableError::NotElf) => assert!(end < 16),
                Err(error) => assert!(
                    matches!(error, ExecutableError::Truncated { .. }),
                    "{end}: {error}"
                ),
            }
        }
    }
}

/// A file that gives a byte at a time, up to where it fails.
struct Slow {
    bytes: Vec<u8>,
    fails_after: u64,
    reads: Cell<u64>,
}

impl ReadAt for Slow {
    fn size(&self) -> u64 {
        self.bytes.size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads.set(self.reads.get() + 1);
        if self.reads.get() > self.fails_after {
            return Err(io::Error::from(io::ErrorKind::PermissionDenied));
        }
        self.bytes.read_at(offset, &mut buffer[..1])
    }
}

#[test]
fn short_reads_are_continued_and_failures_are_handed_on() {
    let slow = |fails_after| Slow {
        bytes: kubelet().stamped("v1.34.2").bytes(),
        fails_after,
        reads: Cell::new(0),
    };
    let file = slow(u64::MAX);
    assert_eq!(read(&file).unwrap().version.minor(), Some(34));
    for fails_after in 0..file.reads.get() {
        let error = read(&slow(fails_after)).unwrap_err();
        assert!(
            matches!(error, ExecutableError::Unreadable { .. }),
            "{error}"
        );
    }
}

#[test]
fn claims_beyond_the_limits_are_refused() {
    // The sizes of the sections .data and .go.buildinfo; the file could hold them if it were sparse.
    struct Sparse(Vec<u8>);
    impl ReadAt for Sparse {
        fn size(&self) -> u64 {
            u64::MAX
        }
        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
            Ok(self.0.read_at(offset, buffer)?.max(buffer.len().min(1)))
        }
    }
    for (section, part) in [
        (2, "variables"),
        (3, "build information"),
        (4, "relocations"),
        (6, "section names"),
    ] {
        let mut bytes = kubelet().stamped("v1.34.2").position_independent().bytes();
        let at = 64 + 2 * 56 + section * 64 + 32;
        bytes[at..at + 8].copy_from_slice(&(1_u64 << 40).to_le_bytes());
        match read(&Sparse(bytes)) {
            Err(ExecutableError::TooLarge { part: refused, .. }) => assert_eq!(refused, part),
            other => panic!("{part}: {other:?}"),
        }
    }
}

fn any_program() -> impl Strategy<Value = Vec<u8>> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(inline, position_independent, aarch64)| {
            let form = if inline { Form::Inline } else { Form::Pointers };
            let mut program = Program::new()
                .build_information(form, "go1.24.6", LINES)
                .stamped("v1.34.2")
                .variable("v1.29.0");
            program.position_independent = position_independent;
            program.machine = if aarch64 { 183 } else { 62 };
            program.bytes()
        },
    )
}

proptest! {
    #[test]
    fn mutated_bytes_do_not_panic(mut bytes in any_program(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        drop(read(&bytes));
    }

    #[test]
    fn mutated_words_do_not_panic(
        mut bytes in any_program(),
        changes in prop::collection::vec((0_usize..90, prop_oneof![Just(u64::MAX), Just(u64::MAX - 7), Just(1 << 63), Just(0), 0_u64..4096, any::<u64>()]), 1..6),
    ) {
        // The headers are the first 624 bytes.
        for (word, value) in changes {
            let at = word * 8;
            if let Some(word) = bytes.get_mut(at..at + 8) {
                word.copy_from_slice(&value.to_le_bytes());
            }
        }
        drop(read(&bytes));
    }

    #[test]
    fn garbage_does_not_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..2048), little in any::<bool>()) {
        drop(read(&bytes));
        for (at, byte) in b"\x7fELF\x02".iter().chain(if little { &[1] } else { &[2] }).enumerate() {
            if let Some(place) = bytes.get_mut(at) {
                *place = *byte;
            }
        }
        drop(read(&bytes));
    }
}
