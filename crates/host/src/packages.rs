//! The versions of installed packages, read from the package databases without running anything.
//!
//! dpkg's `/var/lib/dpkg/status` (and, in images without dpkg, one file per package in `/var/lib/dpkg/status.d`)
//! and apk's `/lib/apk/db/installed` are texts of paragraphs (`deb-control(5)`, `dpkg(1)`, `apk(5)`). rpm's
//! database is a hash table, an `SQLite` file or a format of its own, depending on the distribution: it is
//! not read, and a host that has one is to be reported so.
//!
//! The functions are pure and go over the text once; the caller bounds its size. A package of the right
//! name is not yet the one that a running kubelet was installed from: [`dpkg_owns`] and [`apk_owner`] tell that.

use memchr::memmem;

/// The version of an installed package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageVersion {
    /// The package: `kubelet`.
    pub package: String,
    /// Its version as the distribution writes it: `1.34.2-1.1`. See [`upstream_version`].
    pub version: String,
    /// The line that says it, from 1.
    pub line: u32,
}

/// Which of dpkg's databases a text is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DpkgLayout {
    /// `/var/lib/dpkg/status`: each paragraph states whether the package is installed.
    Status,
    /// A file of `/var/lib/dpkg/status.d`: it is there because its package is, and need not say so.
    StatusDirectory,
}

/// A version is never longer; one that is longer is not read.
const MAX_VERSION: usize = 256;

/// Returns the installed ones of the named packages, in the order of the database.
///
/// Only the state `installed` counts: of a package that is `unpacked` or `half-installed` nobody knows whose
/// files are there. A package may be installed for several architectures and is then there more than once.
pub fn dpkg_versions(status: &[u8], layout: DpkgLayout, packages: &[&str]) -> Vec<PackageVersion> {
    let installed = |paragraph: Paragraph<'_>| {
        let name = paragraph.dpkg_field("Package").value()?;
        let package = packages
            .iter()
            .find(|package| package.as_bytes() == name.text)?;
        let is_installed = match paragraph.dpkg_field("Status") {
            // What is wanted, whether there was an error, and how it is.
            Field::Once(status) => {
                status.text.rsplit(u8::is_ascii_whitespace).next() == Some(b"installed")
            }
            Field::Absent => layout == DpkgLayout::StatusDirectory,
            Field::Repeated => false,
        };
        let version = paragraph
            .dpkg_field("Version")
            .value()
            .filter(|_| is_installed)?;
        PackageVersion::of(package.as_bytes(), version)
    };
    let mentioned = |paragraph: &Paragraph<'_>| {
        let mut packages = packages.iter();
        packages.any(|package| memmem::find(paragraph.text, package.as_bytes()).is_some())
    };
    // Taking every paragraph apart would cost more than all else of a scan.
    paragraphs(status)
        .filter(mentioned)
        .filter_map(installed)
        .collect()
}

/// Tells whether a package owns a file, from its `/var/lib/dpkg/info/PACKAGE.list`: a line for each path.
pub fn dpkg_owns(list: &[u8], path: &[u8]) -> bool {
    !path.is_empty() && list.split(|&byte| byte == b'\n').any(|line| line == path)
}

/// Returns the installed ones of the named packages, in the order of the database.
pub fn apk_versions(installed: &[u8], packages: &[&str]) -> Vec<PackageVersion> {
    let is_named = |found: &PackageVersion| packages.contains(&found.package.as_str());
    paragraphs(installed)
        .filter_map(Paragraph::apk_version)
        .filter(is_named)
        .collect()
}

/// Returns the package that owns the file at an absolute path.
pub fn apk_owner(installed: &[u8], path: &[u8]) -> Option<PackageVersion> {
    let path = path.strip_prefix(b"/")?;
    let (directory, name) = match path.iter().rposition(|&byte| byte == b'/') {
        Some(at) => (path.get(..at)?, path.get(at + 1..)?),
        None => (b"".as_slice(), path),
    };
    let owns = |paragraph: &Paragraph<'_>| {
        // A line `F:` is the directory of the lines `R:` that follow it.
        let mut in_directory = false;
        paragraph.lines().any(|line| {
            if let Some(text) = line.text.strip_prefix(b"F:") {
                in_directory = text == directory;
            }
            in_directory && line.text.strip_prefix(b"R:") == Some(name)
        })
    };
    paragraphs(installed).find(owns)?.apk_version()
}

/// Returns the version that the package's makers started from: `1.34.2` for `1.34.2-1.1`, `1:1.34.2~ds-1` or `1.34.2-r0`.
///
/// Follows `deb-version(7)` and Debian's custom of writing `1.20.5+really1.20.2` where a version had to be
/// taken back. What is no `MAJOR.MINOR.PATCH` is none. A pre-release loses its suffix (`1.35.0~rc.1` is
/// `1.35.0`): the same mark stands before repackagings, and for the minor it makes no difference.
pub fn upstream_version(version: &str) -> Option<String> {
    let version = match version.split_once(':') {
        Some((epoch, version)) if is_number(epoch) => version,
        Some(_) => return None,
        None => version,
    };
    let version = version
        .rsplit_once("+really")
        .map_or(version, |(_, version)| version);
    let end = version.find(['-', '+', '~', '_']).unwrap_or(version.len());
    let version = version.get(..end)?;
    let parts = version.split('.');
    (parts.clone().count() == 3 && parts.clone().all(is_number)).then(|| version.to_owned())
}

fn is_number(text: &str) -> bool {
    (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl PackageVersion {
    fn of(package: &[u8], version: Line<'_>) -> Option<Self> {
        let text = std::str::from_utf8(version.text).ok()?;
        (1..=MAX_VERSION).contains(&text.len()).then_some(())?;
        let package = std::str::from_utf8(package).ok()?.to_owned();
        Some(Self {
            package,
            version: text.to_owned(),
            line: u32::try_from(version.number).unwrap_or(u32::MAX),
        })
    }
}

/// A line, or the value on it.
#[derive(Clone, Copy)]
struct Line<'t> {
    number: usize,
    text: &'t [u8],
}

/// How often a field is in a paragraph.
enum Field<'t> {
    Absent,
    Once(Line<'t>),
    /// An error to dpkg.
    Repeated,
}

impl<'t> Field<'t> {
    fn value(self) -> Option<Line<'t>> {
        match self {
            Self::Once(value) => Some(value),
            Self::Absent | Self::Repeated => None,
        }
    }
}

/// Lines between empty lines.
#[derive(Clone, Copy)]
struct Paragraph<'t> {
    text: &'t [u8],
    /// The number of its first line.
    first: usize,
}

impl<'t> Paragraph<'t> {
    fn lines(self) -> impl Iterator<Item = Line<'t>> {
        let lines = self.text.split(|&byte| byte == b'\n');
        lines.enumerate().map(move |(at, text)| Line {
            number: self.first + at,
            text,
        })
    }

    /// Returns a field by its name, of which case does not matter. A continuation line begins with a blank
    /// and so is no field.
    fn dpkg_field(self, name: &str) -> Field<'t> {
        let value = |line: Line<'t>| {
            let (start, rest) = line.text.split_at_checked(name.len())?;
            let text = rest
                .strip_prefix(b":")
                .filter(|_| start.eq_ignore_ascii_case(name.as_bytes()))?;
            Some(Line {
                text: text.trim_ascii(),
                ..line
            })
        };
        let mut values = self.lines().filter_map(value);
        match (values.next(), values.next()) {
            (None, _) => Field::Absent,
            (Some(value), None) => Field::Once(value),
            (Some(_), Some(_)) => Field::Repeated,
        }
    }

    fn apk_version(self) -> Option<PackageVersion> {
        let field = |name: &[u8]| {
            self.lines().find_map(|line| {
                Some(Line {
                    text: line.text.strip_prefix(name)?,
                    ..line
                })
            })
        };
        PackageVersion::of(field(b"P:")?.text, field(b"V:")?)
    }
}

/// Splits a text at its empty lines.
fn paragraphs(text: &[u8]) -> impl Iterator<Item = Paragraph<'_>> {
    let mut rest = text;
    let mut first = 1;
    std::iter::from_fn(move || {
        let end = memmem::find(rest, b"\n\n").map_or(rest.len(), |end| end + 1);
        let (text, after) = rest.split_at_checked(end)?;
        let paragraph = Paragraph { text, first };
        first += memchr::memchr_iter(b'\n', text).count();
        rest = after;
        (!text.is_empty()).then_some(paragraph)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STATUS: &[u8] = b"\
Package: adduser
Status: install ok installed
Version: 3.134
Description: add and remove users
 Version: 9.9.9
 .
 Package: kubelet

Package: kubelet
Status: hold ok installed
Priority: optional
Architecture: amd64
version: 1.34.2-1.1
Depends: kubernetes-cni


Package: kubernetes-node
Status: deinstall ok config-files
Version: 1.20.2-1

Package: kubelet
Status: install ok installed
Architecture: arm64
Version: 1.34.3-1.1

Package: kubectl
Status: install ok installed
Version: 1.30.0-1
Version: 1.31.0-1
";

    fn kubelet(version: &str, line: u32) -> PackageVersion {
        PackageVersion {
            package: "kubelet".to_owned(),
            version: version.to_owned(),
            line,
        }
    }

    #[test]
    fn installed_packages_of_dpkg_are_found_with_their_lines() {
        let packages = ["kubelet", "kubernetes-node", "kubectl"];
        let found = dpkg_versions(STATUS, DpkgLayout::Status, &packages);
        assert_eq!(
            found,
            [kubelet("1.34.2-1.1", 13), kubelet("1.34.3-1.1", 24)]
        );
        assert_eq!(dpkg_versions(STATUS, DpkgLayout::Status, &["kube"]), []);
        assert_eq!(dpkg_versions(b"", DpkgLayout::Status, &packages), []);
    }

    #[test]
    fn only_what_is_wholly_installed_counts() {
        for state in [
            "not-installed",
            "config-files",
            "half-installed",
            "unpacked",
            "half-configured",
            "triggers-pending",
        ] {
            let status =
                format!("Package: kubelet\nStatus: install ok {state}\nVersion: 1.34.2-1.1\n");
            assert_eq!(
                dpkg_versions(status.as_bytes(), DpkgLayout::Status, &["kubelet"]),
                [],
                "{state}"
            );
        }
    }

    #[test]
    fn a_file_of_the_status_directory_need_not_state_its_status() {
        let file = b"Package: kubelet\nVersion: 1.34.2-1.1";
        assert_eq!(
            dpkg_versions(file, DpkgLayout::StatusDirectory, &["kubelet"]),
            [kubelet("1.34.2-1.1", 2)]
        );
        assert_eq!(dpkg_versions(file, DpkgLayout::Status, &["kubelet"]), []);
        let file = b"Package: kubelet\nStatus: deinstall ok config-files\nVersion: 1.34.2-1.1";
        assert_eq!(
            dpkg_versions(file, DpkgLayout::StatusDirectory, &["kubelet"]),
            []
        );
    }

    #[test]
    fn a_list_of_files_tells_what_a_package_owns() {
        let list = b"/.\n/usr\n/usr/bin\n/usr/bin/kubelet\n";
        assert!(dpkg_owns(list, b"/usr/bin/kubelet"));
        assert!(!dpkg_owns(list, b"/usr/bin/kube"));
        assert!(!dpkg_owns(list, b""));
    }

    const INSTALLED: &[u8] = b"\
C:Q1aaaa=
P:busybox
V:1.37.0-r12
F:bin
R:busybox
F:usr
F:usr/bin

C:Q1bbbb=
P:kubelet
V:1.34.2-r0
A:x86_64
F:etc
F:usr
F:usr/bin
R:kubelet
a:0:0:755
Z:Q1cccc=
";

    #[test]
    fn packages_of_apk_are_found_by_name_and_by_file() {
        assert_eq!(
            apk_versions(INSTALLED, &["kubernetes", "kubelet"]),
            [kubelet("1.34.2-r0", 11)]
        );
        assert_eq!(
            apk_owner(INSTALLED, b"/usr/bin/kubelet"),
            Some(kubelet("1.34.2-r0", 11))
        );
        for path in [
            "/bin/kubelet",
            "/usr/kubelet",
            "/kubelet",
            "usr/bin/kubelet",
            "/usr/bin",
            "/",
            "",
        ] {
            assert_eq!(apk_owner(INSTALLED, path.as_bytes()), None, "{path}");
        }
    }

    #[test]
    fn packagings_are_taken_off_versions() {
        for (version, upstream) in [
            ("1.34.2-1.1", Some("1.34.2")),
            ("1.28.2-00", Some("1.28.2")),
            ("1:1.34.2~ds1-1", Some("1.34.2")),
            ("1.20.5+really1.20.2-1.1+deb12u1", Some("1.20.2")),
            ("1.36.4+ds-1", Some("1.36.4")),
            ("1.35.0~rc.1-1.1", Some("1.35.0")),
            ("1.34.2-r0", Some("1.34.2")),
            ("1.34.0_rc1-r0", Some("1.34.0")),
            ("1.34.2", Some("1.34.2")),
            ("1.34-1", None),
            ("1.34.2.1-1", None),
            ("1.34.x-1", None),
            ("x:1.34.2-1", None),
            ("v1.34.2", None),
            ("1.34.2a", None),
            ("1..2", None),
            ("", None),
        ] {
            assert_eq!(upstream_version(version).as_deref(), upstream, "{version}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(
            text in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b':'), any::<u8>()], 0..256),
            path in prop::collection::vec(prop_oneof![Just(b'/'), any::<u8>()], 0..8),
        ) {
            dpkg_versions(&text, DpkgLayout::Status, &["kubelet", ""]);
            dpkg_owns(&text, &path);
            apk_versions(&text, &["kubelet", ""]);
            apk_owner(&text, &path);
        }

        #[test]
        fn any_lines_are_read_without_panic(
            lines in prop::collection::vec(prop::sample::select(vec!["", "Package: kubelet", "Status: install ok installed", "Status:", "Version: 1.2.3", "Version:", "P:kubelet", "V:1", "F:", "F:a", "R:b", " x"]), 0..24),
        ) {
            let text = lines.join("\n");
            for found in dpkg_versions(text.as_bytes(), DpkgLayout::Status, &["kubelet"]) {
                prop_assert_eq!(lines[found.line as usize - 1], "Version: 1.2.3");
            }
            for found in apk_versions(text.as_bytes(), &["kubelet"]) {
                prop_assert_eq!(lines[found.line as usize - 1], "V:1");
            }
            apk_owner(text.as_bytes(), b"/a/b");
        }

        #[test]
        fn any_version_is_read_without_panic(version in "\\PC*") {
            upstream_version(&version);
        }

        #[test]
        fn an_upstream_version_survives_packaging(minor in 0_u16..99, patch in 0_u16..99, epoch in prop::option::of(0_u8..9), suffix in "(|~ds[0-9])-[0-9]{1,2}") {
            let upstream = format!("1.{minor}.{patch}");
            let epoch = epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
            prop_assert_eq!(upstream_version(&format!("{epoch}{upstream}{suffix}")), Some(upstream));
        }
    }
}
