//! Looking at what the checks are about. Nothing is written; only what concerns the plan is looked at or asked.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use kubeassay_core::facts::Facts;
use kubeassay_core::{Bytes, Value};

use super::access::{asks_the_api, narrows, requires_rights};
use super::after::{CLIENT_CA, KERNEL_DEFAULTS, KUBECONFIG, STATIC_PODS, may_be, path};
use super::below::{Root, Unread};
use super::start::KERNEL;
use super::{
    ApiServerSeen, Certificates, ClientSeen, KubeconfigSeen, KubeletSeen, Observations, Place,
    VERBS, manifest,
};
use crate::planner::{Planned, PlannedKubelet};
use crate::world::{NodeKubeconfig, World};

/// Where transactions are kept.
const JOURNAL: &str = "/var/lib/kubeassay/transactions/new";
/// The largest kubeconfig, authority or manifest that is read.
const LARGEST: usize = 4 << 20;
/// The largest text of a setting of the kernel.
const LARGEST_SETTING: usize = 256;
/// The most authorities of a file.
const MOST_AUTHORITIES: usize = 1000;
/// The name of an API server's manifest, and what names of others begin with.
const MANIFEST: &[u8] = b"kube-apiserver.yaml";
const MANIFESTS: &[u8] = b"kube-apiserver";

/// Looks at what the checks of `planned` are about, on the node below `root`; writes nothing. Whether somebody else is
/// changing the node is not among it: see [`Observations::lock`].
pub fn observe(root: &Path, planned: &Planned, facts: &Facts, world: &dyn World) -> Observations {
    if !planned.plan.has_changes() {
        return Observations::default();
    }
    let root = Root::open(root);
    let place = |path: &Bytes| match &root {
        Ok(root) => root.place(path),
        Err(why) => Place {
            path: path.clone(),
            folder: path.clone(),
            found: Err(why.clone()),
        },
    };
    let kubelets = planned.kubelets.iter().map(|kubelet| {
        let unit = Some(world.services().state(&kubelet.unit));
        match &root {
            Ok(root) => KubeletSeen {
                unit,
                ..of_kubelet(root, planned, kubelet, facts, world)
            },
            Err(_) => KubeletSeen {
                unit,
                ..KubeletSeen::default()
            },
        }
    });
    Observations {
        kubelets: kubelets.collect(),
        edits: planned
            .plan
            .edits
            .iter()
            .map(|edit| place(&edit.target))
            .collect(),
        journal: Some(place(&Bytes::from(JOURNAL))),
        ..Observations::default()
    }
}

fn of_kubelet(
    root: &Root,
    planned: &Planned,
    kubelet: &PlannedKubelet,
    facts: &Facts,
    world: &dyn World,
) -> KubeletSeen {
    let narrows = narrows(kubelet, facts);
    let authorities = narrows
        .then(|| given(kubelet, CLIENT_CA))
        .flatten()
        .map(|file| {
            let read = root.certificates(&file, MOST_AUTHORITIES);
            read.map(|(certificates, _)| certificates)
        });
    let trusted = authorities.as_ref().and_then(|read| read.as_ref().ok());
    let api_server = api_server(root, kubelet, trusted, world);
    let here = matches!(api_server, ApiServerSeen::Here { .. });
    let node = crate::verify::node_name(planned, kubelet);
    KubeletSeen {
        unit: None,
        kubeconfig: asks_the_api(kubelet)
            .then(|| given(kubelet, KUBECONFIG))
            .flatten()
            .map(|file| kubeconfig(root, &file, world)),
        authorities,
        may: requires_rights(kubelet, facts)
            .then(|| may(&api_server, world))
            .flatten(),
        kernel: if may_be(kubelet, KERNEL_DEFAULTS, &Value::Bool(true)) {
            KERNEL
                .into_iter()
                .map(|(name, path, _)| (name, kernel(root, path)))
                .collect()
        } else {
            Vec::new()
        },
        others: world
            .api()
            .filter(|_| here)
            .map(|api| api.other_control_planes(&node)),
        api_server: Some(api_server),
    }
}

/// Returns the path that a setting gives, if it is known and there is one.
fn given(kubelet: &PlannedKubelet, setting: &str) -> Option<Bytes> {
    path(&kubelet.after, setting)
        .ok()
        .filter(|path| !path.is_empty())
}

fn kernel(root: &Root, path: &str) -> Result<String, Unread> {
    let read = root.read(&Bytes::from(path), LARGEST_SETTING)?;
    let text = String::from_utf8(read);
    text.map_err(|_| Unread::Because("holds no text".to_owned()))
}

fn kubeconfig(root: &Root, file: &Bytes, world: &dyn World) -> KubeconfigSeen {
    let content = match root.read(file, LARGEST) {
        Ok(content) => content,
        Err(unread) => return KubeconfigSeen::Unread(unread),
    };
    // What follows a certificate may be a key: not a byte of that.
    let read = |path: &Path| {
        let path = Bytes::from(path.as_os_str().as_bytes());
        match root.certificates(&path, MOST_AUTHORITIES) {
            Ok((certificates, _)) => Ok(pem(&certificates)),
            Err(Unread::Missing) => Err("is not there".to_owned()),
            Err(Unread::Because(why)) => Err(why),
        }
    };
    let reach = world.reach(&NodeKubeconfig {
        path: Path::new(OsStr::from_bytes(file.as_slice())),
        content: &content,
        read: &read,
    });
    match reach {
        Some(reach) => KubeconfigSeen::Asked(reach),
        None => KubeconfigSeen::There,
    }
}

/// Returns certificates as PEM.
fn pem(certificates: &Certificates) -> Vec<u8> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let block = |der: &Vec<u8>| {
        let text = STANDARD.encode(der);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    };
    let blocks: String = certificates.found.iter().map(block).collect();
    blocks.into_bytes()
}

/// Looks for the API server that the kubelet starts as a static pod, and for the certificate that it shows to kubelets.
fn api_server(
    root: &Root,
    kubelet: &PlannedKubelet,
    trusted: Option<&Certificates>,
    world: &dyn World,
) -> ApiServerSeen {
    let folder = match path(&kubelet.after, STATIC_PODS) {
        Ok(folder) if folder.is_empty() => return ApiServerSeen::None,
        Ok(folder) => folder,
        Err(why) => return ApiServerSeen::Unknown(why),
    };
    let names = match root.names(&folder) {
        Ok(names) => names,
        Err(Unread::Missing) => return ApiServerSeen::None,
        Err(Unread::Because(why)) => {
            return ApiServerSeen::Unknown(format!("{folder} ({STATIC_PODS}) {why}"));
        }
    };
    // A kubelet passes over files whose name begins with a point, and no others.
    let mut names: Vec<Bytes> = names
        .into_iter()
        .filter(|name| name.as_slice().starts_with(MANIFESTS))
        .collect();
    names.sort();
    let own = names.iter().find(|name| name.as_slice() == MANIFEST);
    let manifest = match (own, names.as_slice()) {
        (None, []) => return ApiServerSeen::None,
        (Some(name), _) | (None, [name]) => joined(&folder, name),
        (None, [_, ..]) => {
            let manifest = joined(&folder, &Bytes::from("kube-apiserver*"));
            let client = Err(format!("there are several manifests {manifest}"));
            return ApiServerSeen::Here { manifest, client };
        }
    };
    let client = client(root, &manifest, trusted, world);
    ApiServerSeen::Here { manifest, client }
}

fn joined(folder: &Bytes, name: &Bytes) -> Bytes {
    Bytes::from([folder.as_slice(), b"/", name.as_slice()].concat())
}

/// Looks at the certificate that the API server of a manifest shows to kubelets.
fn client(
    root: &Root,
    manifest: &Bytes,
    trusted: Option<&Certificates>,
    world: &dyn World,
) -> Result<Option<ClientSeen>, String> {
    let because = |file: &Bytes, unread: Unread| match unread {
        Unread::Missing => format!("{file} is not there"),
        Unread::Because(why) => format!("{file} {why}"),
    };
    let content = root.read(manifest, LARGEST);
    let content = content.map_err(|unread| because(manifest, unread))?;
    let Some(path) = manifest::client_certificate(&content, manifest)? else {
        return Ok(None);
    };
    let read = root.certificates(&path, 1);
    let (certificates, more) = read.map_err(|unread| because(&path, unread))?;
    let Some(certificate) = certificates.found.first() else {
        return Err(format!("{path} does not begin with a certificate"));
    };
    Ok(Some(ClientSeen {
        name: world.client_name(certificate),
        vouching: trusted.map(|trusted| world.vouching(certificate, &trusted.found)),
        alone: !more,
        path,
    }))
}

/// Asks whether the API server may do what logs and exec take.
fn may(
    api_server: &ApiServerSeen,
    world: &dyn World,
) -> Option<Vec<(&'static str, Result<bool, String>)>> {
    let ApiServerSeen::Here {
        client: Ok(Some(client)),
        ..
    } = api_server
    else {
        return None;
    };
    let name = client.name.as_ref().ok()?;
    let api = world.api()?;
    let ask = |verb| {
        let may = api.may_use_nodes_proxy(&name.user, &name.groups, verb);
        (verb, may)
    };
    Some(VERBS.into_iter().map(ask).collect())
}
