//! What is known of the node as a whole.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use kubeassay_core::Bytes;
use kubeassay_core::facts::{Distribution, Platform};
use sha2::Sha256;

use crate::files::{Sight, hexadecimal};
use crate::host::Host;
use crate::programs::EMBEDDINGS;

/// Files of a line or a page.
const SMALL: usize = 1 << 16;

/// The key of a node's id. Never to be changed: ids of findings are made of it.
const ID_KEY: &[u8] = b"kubeassay.node-id/v1";

/// Returns the id of the node with this machine id, or nothing if that is none.
///
/// It is the first 128 bits of HMAC-SHA256 over the machine id, with a key of kubeassay's own, in hexadecimal:
/// the machine id itself should not be exposed (machine-id(5)). The text is that of `/etc/machine-id`
/// and of `status.nodeInfo.machineID` of a Node object, so that a scan of the host and one of the cluster
/// agree.
pub fn node_id(machine_id: &str) -> Option<String> {
    let machine_id = machine_id.trim();
    // What systemd writes into images that are to be started more than once.
    if machine_id.is_empty() || machine_id == "uninitialized" {
        return None;
    }
    let mut hash = Hmac::<Sha256>::new_from_slice(ID_KEY).ok()?;
    hash.update(machine_id.as_bytes());
    let digest = hash.finalize().into_bytes();
    digest.get(..16).map(hexadecimal)
}

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
    use super::{node_id, os_release};

    #[test]
    fn the_id_is_of_the_machine_id_and_not_the_machine_id() {
        let id = node_id("8f4f1a2b3c4d5e6f708192a3b4c5d6e7\n").unwrap();
        // python3 -c 'import hmac; print(hmac.new(b"kubeassay.node-id/v1", b"8f4f1a2b3c4d5e6f708192a3b4c5d6e7", "sha256").hexdigest()[:32])'
        assert_eq!(id, "c37a61441f5e0fe74e2c46ae018ceae6");
        assert_eq!(node_id("8f4f1a2b3c4d5e6f708192a3b4c5d6e7"), Some(id));
        assert_eq!(node_id(" \n"), None);
        assert_eq!(node_id("uninitialized\n"), None);
    }

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
