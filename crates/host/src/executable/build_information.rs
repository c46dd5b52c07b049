//! The build information that `go build` leaves in a program.
//!
//! Formats: Go's package `debug/buildinfo` (`buildinfo.go`: the section, its 32-byte header, the varint
//! strings since Go 1.18 and the pointers before it) and `runtime/debug` (`BuildInfo.String`: the lines).

use super::{
    ExecutableError, ReadAt,
    elf::{ByteOrder, Elf, Fields},
};

/// A kubelet's takes about 20 KiB, most of it the list of modules.
const MAX_BUILD_INFORMATION: u64 = 1 << 20;
/// Such as `go1.24.6 X:nocoverageredesign`.
const MAX_GO_VERSION: u64 = 1024;
const MAGIC: &[u8] = b"\xff Go buildinf:";
const HEADER_SIZE: usize = 32;
/// The linker aligns the header to this.
const ALIGNMENT: usize = 16;
const FLAG_BIG_ENDIAN: u8 = 1;
const FLAG_INLINE: u8 = 2;
/// The list of modules lies between two sentinels of this size.
const SENTINEL_SIZE: usize = 16;

/// The module that Kubernetes' own programs are built from.
const KUBERNETES_MODULE: &str = "k8s.io/kubernetes";
/// The end of the name of the variable that `kubelet --version` prints. Before Go modules it was in
/// `k8s.io/kubernetes/vendor/k8s.io/component-base/version`.
const VERSION_VARIABLE: &str = "k8s.io/component-base/version.gitVersion=";

/// What `go build` wrote down about a program, as far as it is needed here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BuildInformation {
    /// The version of Go: `go1.24.6`.
    pub go_version: String,
    /// The import path of the main package: `k8s.io/kubernetes/cmd/kubelet`.
    ///
    /// Programs that were built from a list of files have `command-line-arguments`. Go before 1.18 wrote
    /// nothing for programs that were built without modules, as Kubernetes up to 1.23 was.
    pub main_package: Option<String>,
    /// The module that the main package belongs to.
    pub main_module: Option<Module>,
    /// The module `k8s.io/kubernetes`, or what replaced it, if it is the main module or was compiled in.
    pub kubernetes_module: Option<Module>,
    /// The version that the linker was told to put into Kubernetes' version variable, if the flags were recorded.
    pub stamped_version: Option<String>,
}

/// A Go module at a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Its path: `k8s.io/kubernetes`.
    pub path: String,
    /// Its version: `v1.34.2`, or `(devel)` where the build did not know.
    pub version: String,
}

/// Reads what `go build` wrote down about a program.
///
/// # Errors
///
/// Fails when the file is no Go program or cannot be read, see [`ExecutableError`].
pub fn build_information(file: &dyn ReadAt) -> Result<BuildInformation, ExecutableError> {
    let elf = Elf::parse(file)?;
    let section = elf.section(".go.buildinfo").ok_or(ExecutableError::NotGo)?;
    let mut content = elf.content(&section, MAX_BUILD_INFORMATION, "build information")?;
    let start = header_start(&content).ok_or(ExecutableError::NotGo)?;
    let header = content.get(start..).unwrap_or_default();
    let (Some(&[pointer_size, flags]), Some(inline)) = (
        header.get(14..).and_then(<[u8]>::first_chunk),
        header.get(HEADER_SIZE..),
    ) else {
        return Err(MALFORMED);
    };
    if flags & FLAG_INLINE != 0 {
        let (go_version, rest) = inline_string(inline).ok_or(MALFORMED)?;
        let (modules, _) = inline_string(rest).ok_or(MALFORMED)?;
        return Ok(BuildInformation::of(go_version, modules));
    }
    if pointer_size != 8 || (flags & FLAG_BIG_ENDIAN != 0) != (elf.order == ByteOrder::Big) {
        return Err(MALFORMED);
    }
    elf.relocate(section.address, &mut content)?;
    let header = Fields::new(content.get(start..).unwrap_or_default(), elf.order);
    let go_version = header.u64(16).ok_or(MALFORMED)?;
    let modules = header.u64(24).ok_or(MALFORMED)?;
    let go_version = string_variable(&elf, go_version, MAX_GO_VERSION)?;
    let modules = string_variable(&elf, modules, MAX_BUILD_INFORMATION)?;
    Ok(BuildInformation::of(&go_version, &modules))
}

const MALFORMED: ExecutableError = ExecutableError::Malformed {
    part: "build information",
};

impl BuildInformation {
    /// Reads the two strings: the version of Go, and the list of modules between its sentinels.
    fn of(go_version: &[u8], modules: &[u8]) -> Self {
        let mut build = Self {
            go_version: String::from_utf8_lossy(go_version).into_owned(),
            ..Self::default()
        };
        // As Go's own reader does it: sentinels are there if a line ends just before the last of them.
        let list = modules
            .len()
            .checked_sub(SENTINEL_SIZE)
            .and_then(|end| modules.get(SENTINEL_SIZE..end));
        let Some(list) = list.filter(|list| list.ends_with(b"\n")) else {
            return build;
        };
        let list = String::from_utf8_lossy(list);
        let mut kubernetes_was_last = false;
        for line in list.lines() {
            let mut fields = line.split('\t');
            let (key, first, second) = (
                fields.next().unwrap_or_default(),
                fields.next(),
                fields.next(),
            );
            let module = || {
                Some(Module {
                    path: first?.to_owned(),
                    version: second.unwrap_or_default().to_owned(),
                })
            };
            let is_kubernetes = first == Some(KUBERNETES_MODULE);
            match key {
                "path" => build.main_package = first.map(str::to_owned),
                "mod" => {
                    build.main_module = module();
                    if is_kubernetes {
                        build.kubernetes_module = module();
                    }
                }
                "dep" if is_kubernetes => build.kubernetes_module = module(),
                // The line after a module that was replaced.
                "=>" if kubernetes_was_last => build.kubernetes_module = module(),
                "build" => {
                    // The rest of the line, not its first field: the value could hold a tab.
                    let flags = line
                        .strip_prefix("build\t")
                        .and_then(|setting| setting.strip_prefix("-ldflags="));
                    build.stamped_version =
                        flags.and_then(stamped_version).or(build.stamped_version);
                }
                _ => {}
            }
            kubernetes_was_last = is_kubernetes && matches!(key, "mod" | "dep");
        }
        build
    }
}

/// Returns the value that the linker's flags give to Kubernetes' version variable: the last one, as in the linker.
fn stamped_version(flags: &str) -> Option<String> {
    let (_, value) = flags.rsplit_once(VERSION_VARIABLE)?;
    // Quotes and blanks end it. What the quoting was does not matter: no version needs it.
    let end = value
        .find(|c: char| !c.is_ascii_alphanumeric() && !".+-".contains(c))
        .unwrap_or(value.len());
    value
        .get(..end)
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
}

/// Returns where the header begins in the section.
fn header_start(content: &[u8]) -> Option<usize> {
    let mut blocks = content.chunks(ALIGNMENT);
    Some(blocks.position(|block| block.starts_with(MAGIC))? * ALIGNMENT)
}

/// Splits a string off that has its length before it, as in `encoding/binary`'s unsigned varints.
fn inline_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0_u64;
    // Nothing in a section of at most 1 MiB is longer than four times seven bits can say.
    for (at, byte) in bytes.iter().enumerate().take(4) {
        length |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return bytes
                .get(at + 1..)?
                .split_at_checked(usize::try_from(length).ok()?);
        }
    }
    None
}

/// Reads the string whose variable (pointer and length) lies at `address`.
///
/// It is empty where there is no variable, or where it was never given a value: programs that were built
/// without modules have no list of them.
fn string_variable(elf: &Elf<'_>, address: u64, limit: u64) -> Result<Vec<u8>, ExecutableError> {
    if address == 0 || elf.is_zeroed(address) {
        return Ok(Vec::new());
    }
    let part = "build information";
    let offset = elf.offset_of(address, 16).ok_or(MALFORMED)?;
    let mut variable = elf.bytes(offset, 16, 16, part)?;
    elf.relocate(address, &mut variable)?;
    let variable = Fields::new(&variable, elf.order);
    let (pointer, length) = (
        variable.u64(0).ok_or(MALFORMED)?,
        variable.u64(8).ok_or(MALFORMED)?,
    );
    if length == 0 {
        return Ok(Vec::new());
    }
    let offset = elf.offset_of(pointer, length).ok_or(MALFORMED)?;
    elf.bytes(offset, length, limit, part)
}
