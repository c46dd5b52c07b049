//! What must not be in the program, looked for before it is stripped and after.
//!
//! A static glibc still looks up users and hosts through the NSS modules of the machine it runs on: it loads shared
//! objects that another glibc made, and crashes where the two differ. So none of that may be linked in. The names of
//! the functions that people call are listed to give a clear message; that nothing is missed rests on `__nss_`, the
//! one engine all of them go through: where it is not in the symbol table, no function that needs it can be.
//!
//! `dlopen` itself cannot be on the list. glibc's messages for error numbers (`strerror`) are translated, the
//! translation converts character sets, and the converter has code to load more of them; `dlsym`, with which Rust's
//! std looks for functions of newer systems, lies next to it. What is listed instead are the ways in: without
//! `setlocale`, `newlocale` and `iconv_open` the locale is "C" for ever, and nothing is translated, converted or
//! loaded.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail, ensure};

use super::elf::{Elf, PF_W, PF_X, PT_GNU_STACK, PT_INTERP, PT_LOAD};

/// Symbols that may not be defined, and why. `*` at the end stands for any ending, a leading `_` is not looked at.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "glibc would load the host's NSS modules, made for another glibc",
        &[
            "nss_*",
            "getaddrinfo*",
            "getnameinfo",
            "gethostby*",
            "gethostent*",
            "getnetby*",
            "getnetent*",
            "getservby*",
            "getservent*",
            "getprotoby*",
            "getprotoent*",
            "getrpcby*",
            "getpwnam*",
            "getpwuid*",
            "getpwent*",
            "getgrnam*",
            "getgrgid*",
            "getgrent*",
            "getgrouplist",
            "initgroups",
            "getspnam*",
            "getnetgrent*",
            "innetgr",
            "getlogin*",
            "wordexp",
        ],
    ),
    (
        "glibc would load character sets or locales from the host",
        &["setlocale", "newlocale", "iconv_open"],
    ),
    (
        "kubeassay waits for no connection, and gives no command to a shell",
        &[
            "listen",
            "accept",
            "accept4",
            "libc_accept",
            "libc_accept4",
            "system",
            "libc_system",
            "popen",
        ],
    ),
];

/// Fails where the symbol table has a name that may not be there, or where there is no table.
pub(super) fn symbols(elf: &Elf<'_>) -> Result<()> {
    let mut faults: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for symbol in elf.defined_symbols()? {
        if let Some(reason) = forbidden(&symbol) {
            faults.entry(reason).or_default().insert(symbol);
        }
    }
    let faults: Vec<String> = faults
        .into_iter()
        .map(|(reason, symbols)| {
            let symbols: Vec<String> = symbols.into_iter().collect();
            format!("\n  {reason}: {}", symbols.join(" "))
        })
        .collect();
    ensure!(
        faults.is_empty(),
        "the program contains what it must not (to find who asks for it, link with -Wl,--why-extract=FILE):{}",
        faults.concat()
    );
    Ok(())
}

/// Returns why a symbol may not be there.
fn forbidden(symbol: &str) -> Option<&'static str> {
    let name = symbol.trim_start_matches('_');
    let matches = |pattern: &&str| {
        pattern
            .strip_suffix('*')
            .map_or(*pattern == name, |start| name.starts_with(start))
    };
    FORBIDDEN
        .iter()
        .find(|(_, patterns)| patterns.iter().any(matches))
        .map(|(reason, _)| *reason)
}

/// Fails where the program needs another file to start, or maps memory that is written and executed.
pub(super) fn segments(elf: &Elf<'_>) -> Result<()> {
    let mut stack = false;
    for segment in &elf.segments {
        match segment.kind {
            PT_INTERP => bail!("the program is not static: it names a dynamic linker"),
            PT_LOAD if segment.flags & (PF_W | PF_X) == PF_W | PF_X => {
                bail!("the program has memory that is both written and executed")
            }
            PT_GNU_STACK if segment.flags & PF_X != 0 => {
                bail!("the program has an executable stack")
            }
            PT_GNU_STACK => stack = true,
            _ => {}
        }
    }
    // Where nothing is said of the stack, the kernel makes it executable.
    ensure!(
        stack,
        "the program does not say that its stack is not executed"
    );
    Ok(())
}

/// Fails where the program names one of the folders it was built in.
pub(super) fn folders(program: &[u8], folders: &[String]) -> Result<()> {
    for folder in folders {
        let found = program
            .windows(folder.len())
            .any(|window| window == folder.as_bytes());
        ensure!(
            !found,
            "the program names a folder of this machine: {folder}"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{folders, forbidden};

    #[test]
    fn ways_to_the_host_are_forbidden_and_what_glibc_always_has_is_not() {
        for name in [
            "getaddrinfo",
            "getpwnam",
            "getpwnam_r",
            "__getpwnam_r",
            "getgrgid_r",
            "gethostbyname2_r",
            "__nss_module_load",
            "_nss_files_getpwnam_r",
            "setlocale",
            "__newlocale",
            "iconv_open",
            "listen",
            "__libc_accept",
            "popen",
        ] {
            assert!(forbidden(name).is_some(), "{name}");
        }
        for name in [
            "dlopen",
            "__dlsym",
            "getgroups",
            "gethostname",
            "__gconv_open",
            "getpid",
            "getgid",
            "executable",
            "_ZN4core3fmt5Write9write_str17h",
            "system_time",
            "_nl_C_locobj",
            "listening",
        ] {
            assert!(forbidden(name).is_none(), "{name}");
        }
    }

    #[test]
    fn folder_of_the_machine_is_a_fault() {
        let program = b"panicked at /crates/a-1.0.0/src/lib.rs";
        assert!(folders(program, &["/home/me".to_owned(), "/root/.cargo".to_owned()]).is_ok());
        let fault = folders(program, &["/crates/a-1.0.0".to_owned()]).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "the program names a folder of this machine: /crates/a-1.0.0"
        );
    }
}
