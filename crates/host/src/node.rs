//! What is known of the node as a whole.

use std::collections::BTreeMap;

use kubeassay_core::facts::{Distribution, Platform};
use kubeassay_core::{Bytes, node_id};

use crate::files::Sight;
use crate::host::Host;
use crate::programs::EMBEDDINGS;

/// Files of a line or a page.
const SMALL: usize = 1 << 16;

/// Returns the node's id, from where the kubelet takes the machine id too.
pub(crate) fn id(sight: &Sight) -> Option<String> {
    ["/etc/machine-id", "/var/lib/dbus/machine-id"]
        .iter()
        .find_map(|path| {
            let content = sight.read(path, SMALL).ok()?;
            node_id(std::str::from_utf8(&content).ok()?)
        })
}

/// Returns the host's name. The kernel's own is that of whoever looks, so that of a container there; a
/// mounted root has its own only in a file.
pub(crate) fn hostname(host: &Host, sight: &Sight) -> Option<Bytes> {
    let of_file = || {
        let content = sight.read("/etc/hostname", SMALL).ok()?;
        content
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::trim_ascii)
            .find(|line| !line.is_empty() && !line.starts_with(b"#"))
            .map(Bytes::from)
    };
    let of_kernel = || {
        let content = host.proc().read("sys/kernel/hostname", SMALL).ok()?;
        let name = content.trim_ascii();
        (!name.is_empty()).then(|| Bytes::from(name))
    };
    match host.source() {
        kubeassay_core::facts::Source::Root => of_file().or_else(of_kernel),
        _ => of_kernel().or_else(of_file),
    }
}

/// Returns the operating system.
pub(crate) fn platform(sight: &Sight) -> Platform {
    for path in ["/etc/os-release", "/usr/lib/os-release"] {
        let Ok(content) = sight.read(path, SMALL) else {
            continue;
        };
        let values = os_release(&String::from_utf8_lossy(&content));
        return Platform {
            id: values.get("ID").cloned(),
            version: values.get("VERSION_ID").cloned(),
            evidence: vec![path.into()],
        };
    }
    Platform::default()
}

/// Reads os-release(5): shell assignments without any expansion. The last of two counts.
fn os_release(text: &str) -> BTreeMap<String, String> {
    let assignments = text.lines().filter_map(|line| {
        let line = line.trim();
        if line.starts_with('#') {
            return None;
        }
        let (key, value) = line.split_once('=')?;
        Some((key.to_owned(), unquote(value)))
    });
    assignments.collect()
}

fn unquote(value: &str) -> String {
    let single = value
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''));
    if let Some(plain) = single {
        return plain.to_owned();
    }
    let double = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let mut plain = String::new();
    let mut escaped = false;
    for character in double.unwrap_or(value).chars() {
        if character == '\\' && !escaped {
            escaped = true;
            continue;
        }
        escaped = false;
        plain.push(character);
    }
    plain
}

/// Returns the distributions that embed their kubelet and are here: `running` names their processes, their
/// files are looked for.
pub(crate) fn distributions(
    sight: &Sight,
    running: &BTreeMap<&'static str, Vec<Bytes>>,
) -> Vec<Distribution> {
    let here = EMBEDDINGS.iter().filter_map(|embedding| {
        let processes = running.get(embedding.id);
        let files = embedding
            .files
            .iter()
            .filter(|path| sight.find_if_there(path.as_bytes()).is_ok())
            .map(|path| Bytes::from(*path));
        let evidence: Vec<Bytes> = processes
            .cloned()
            .unwrap_or_default()
            .into_iter()
            .chain(files)
            .collect();
        (!evidence.is_empty()).then(|| Distribution {
            id: embedding.id.to_owned(),
            evidence,
            running: processes.is_some(),
        })
    });
    here.collect()
}

#[cfg(test)]
mod tests {
    use super::os_release;

    #[test]
    fn os_release_is_shell_without_expansion() {
        let values =
            os_release("# x\nID=debian\nVERSION_ID=\"12\"\nNAME='a b'\nQ=\"a\\\"b\\$\"\nnoise\n");
        assert_eq!(values["ID"], "debian");
        assert_eq!(values["VERSION_ID"], "12");
        assert_eq!(values["NAME"], "a b");
        assert_eq!(values["Q"], "a\"b$");
    }
}
