//! Whom the network is asked as, and whom it is believed: from the command line and the user's own environment.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use jiff::Timestamp;
use kubeassay_cluster::credentials::{self, Connection, Environment, Given};
use kubeassay_cluster::fleet;
use kubeassay_cluster::identity::ClientIdentity;
use kubeassay_cluster::kubelet::{Access, Caller, PORT, Questions, Target};
use kubeassay_cluster::names::Resolver;
use kubeassay_cluster::tls::{Authorities, Fingerprint};
use kubeassay_config::secrets;
use kubeassay_core::text;

use crate::args::{LiveArg, LiveArgs};
use crate::messages::Messages;
use crate::tool::tool;

/// More than any file of authorities or tokens has.
const LARGEST_FILE: u64 = 4 << 20;

/// What is asked, of whom, and as whom.
pub(crate) struct Asking {
    /// What kubelets are asked.
    pub(crate) questions: Questions,
    /// With what they are asked.
    pub(crate) access: Access,
    /// The API server, where one is known.
    pub(crate) connection: Option<Connection>,
}

impl Asking {
    /// Reads what the user gave, or has; a scan `of_cluster` wants an API server in any case.
    ///
    /// # Errors
    ///
    /// Where something that was given, or found, cannot be used.
    pub(crate) fn new(
        arguments: &LiveArgs,
        questions: Questions,
        of_cluster: bool,
        messages: Messages,
    ) -> anyhow::Result<Self> {
        let mut access = access();
        access.pins = arguments
            .kubelet_pin
            .iter()
            .map(|pin| self::pin(pin))
            .collect::<anyhow::Result<_>>()?;
        // Who only asks what must be refused needs no credentials, and none are looked for; but what a token may do is
        // asked before it is sent.
        let connection = if of_cluster || questions.configz || arguments.names_a_server() {
            credentials::find(&given(arguments), &environment(), now())?
        } else {
            None
        };
        if let Some(connection) = &connection {
            messages.note(&format!("credentials from {}", connection.source));
            for warning in &connection.warnings {
                messages.warning(warning);
            }
        }
        access.authorities = match &arguments.kubelet_ca {
            Some(path) => Some(authorities(path)?),
            None => connection
                .as_ref()
                .map(|connection| connection.authorities.clone()),
        };
        // Of a cluster, the identity of the connection asks.
        if questions.configz && !of_cluster {
            access.caller = caller(arguments, connection.as_ref(), &access)?;
        }
        if let Some(path) = &arguments.unprivileged_token_file {
            unprivileged(path, connection.as_ref(), &mut access)?;
        }
        Ok(Self {
            questions,
            access,
            connection,
        })
    }

    /// Reads what the user gave, or has, where kubelets are to be asked (`--live`), or an API server is named.
    ///
    /// # Errors
    ///
    /// Where something that was given, or found, cannot be used.
    pub(crate) fn if_wanted(
        arguments: &LiveArgs,
        messages: Messages,
    ) -> anyhow::Result<Option<Self>> {
        let questions = match arguments.live {
            Some(what) => what.into(),
            None if arguments.names_a_server() => Questions {
                configz: false,
                probe: false,
            },
            None => return Ok(None),
        };
        warn_of_the_proxy(arguments, messages);
        Self::new(arguments, questions, false, messages).map(Some)
    }

    /// Returns whether kubelets are asked, and not the API alone.
    pub(crate) const fn asks_kubelets(&self) -> bool {
        self.questions.configz || self.questions.probe
    }
}

/// Takes the token of somebody who has to be refused. The API server is asked whether it is: a token that turns out to
/// be somebody's who may do more is not sent to nodes, and that one who may read pods reads them proves nothing.
fn unprivileged(
    path: &Path,
    connection: Option<&Connection>,
    access: &mut Access,
) -> anyhow::Result<()> {
    let token = ClientIdentity::token(&read(path)?);
    let token = token.with_context(|| path.display().to_string())?;
    let mut caller = Caller::new(token.clone());
    if let Some(connection) = connection {
        let connection = connection.clone().with_identity(token);
        caller.token_allowed = fleet::token_is_harmless(connection.clone(), access);
        access.unprivileged_granted = fleet::may_read_pods(connection, access);
    }
    access.unprivileged = Some(caller);
    Ok(())
}

/// Says what `--via-proxy` takes, before it is used.
pub(crate) fn warn_of_the_proxy(arguments: &LiveArgs, messages: Messages) {
    if arguments.via_proxy {
        messages.warning(&"--via-proxy uses nodes/proxy: whoever may get it can run commands in every pod of a node, through the kubelet's own /exec; take the right away again after the scan");
    }
}

impl LiveArgs {
    /// Returns whether the user named an API server, whose authority signs kubelets too, or one has to say what somebody
    /// may do.
    fn names_a_server(&self) -> bool {
        self.kubeconfig.is_some()
            || self.context.is_some()
            || self.unprivileged_token_file.is_some()
    }
}

impl From<LiveArg> for Questions {
    fn from(argument: LiveArg) -> Self {
        Self {
            configz: argument != LiveArg::Probe,
            probe: argument != LiveArg::Configz,
        }
    }
}

fn given(arguments: &LiveArgs) -> Given {
    Given {
        kubeconfig: arguments.kubeconfig.clone(),
        context: arguments.context.clone(),
        token_file: arguments.token_file.clone(),
        client_certificate: arguments.client_certificate.clone(),
        client_key: arguments.client_key.clone(),
    }
}

/// Returns as whom `/configz` is read; a token only once the API server has said that it is harmless.
fn caller(
    arguments: &LiveArgs,
    connection: Option<&Connection>,
    access: &Access,
) -> anyhow::Result<Option<Caller>> {
    let identity = match connection {
        Some(connection) => connection.identity.clone(),
        None => credentials::given_identity(&given(arguments))?.map(|(identity, _)| identity),
    };
    let Some(identity) = identity else {
        return Ok(None);
    };
    let mut caller = Caller::new(identity);
    if let (ClientIdentity::Token(_), Some(connection)) = (&caller.identity, connection) {
        caller.token_allowed = fleet::token_is_harmless(connection.clone(), access);
    }
    Ok(Some(caller))
}

/// Returns access without any credentials and without anybody to trust.
pub(crate) fn access() -> Access {
    let mut access = Access::new(
        format!("kubeassay/{}", tool().version),
        Arc::new(now),
        Arc::new(secrets::redact_content),
    );
    access.resolve = Some(Resolver::of_this_machine().into_resolve());
    access
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is where the environment is read: that of the user, for the user's own credentials"
)]
pub(crate) fn environment() -> Environment {
    Environment::new(std::env::vars_os())
}

#[expect(clippy::disallowed_methods, reason = "the clock is read here")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Reads `NODE=SHA256`.
fn pin(text: &str) -> anyhow::Result<(String, Fingerprint)> {
    let wanted = "--kubelet-pin wants NODE=SHA256";
    let (node, digest) = text.split_once('=').context(wanted)?;
    if node.is_empty() {
        bail!("{wanted}: there is no node in {text:?}");
    }
    let digest = digest.strip_prefix("sha256:").unwrap_or(digest);
    let fingerprint = digest.parse::<Fingerprint>();
    let fingerprint = fingerprint.with_context(|| format!("--kubelet-pin {text:?}"))?;
    Ok((node.to_owned(), fingerprint))
}

fn authorities(path: &Path) -> anyhow::Result<Authorities> {
    let read = read(path)?;
    Authorities::from_pem(&read).with_context(|| path.display().to_string())
}

#[expect(
    clippy::disallowed_methods,
    reason = "files that the user named, not a host's"
)]
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    use std::io::Read as _;
    let shown = path.display();
    let mut content = Vec::new();
    let length = std::fs::File::open(path)
        .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut content))
        .with_context(|| format!("cannot read {shown}"))?;
    if u64::try_from(length).is_ok_and(|length| length > LARGEST_FILE) {
        bail!("{shown} is larger than such a file is");
    }
    Ok(content)
}

/// Reads `HOST`, `HOST:PORT`, `[V6]:PORT` or an address of IPv6.
pub(crate) fn target(address: &str) -> anyhow::Result<Target> {
    let refused = || {
        anyhow!(
            "--node-address {} is no address; write it as 10.0.0.7, node-1.example:10250 or [fd00::7]:10250",
            text::escape(address)
        )
    };
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest
                .split_once(']')
                .filter(|(_, port)| port.is_empty() || port.starts_with(':'))
                .ok_or_else(refused)?;
            (host, port.strip_prefix(':'))
        }
        None => match address.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (address, None),
        },
    };
    let visible = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:%".contains(&byte);
    if host.is_empty() || !host.bytes().all(visible) {
        return Err(refused());
    }
    let port = match port {
        None => PORT,
        Some(port) => port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(refused)?,
    };
    Ok(Target {
        node: Some(host.to_owned()),
        port,
        ..Target::new(host)
    })
}

#[cfg(test)]
mod tests {
    use super::{pin, target};

    #[test]
    fn addresses_are_read_in_every_usual_form() {
        for (text, host, port) in [
            ("10.0.0.7", "10.0.0.7", 10250),
            ("10.0.0.7:443", "10.0.0.7", 443),
            ("node-1.example", "node-1.example", 10250),
            ("[fd00::7]:1", "fd00::7", 1),
            ("[fd00::7]", "fd00::7", 10250),
            ("fd00::7", "fd00::7", 10250),
        ] {
            let target = target(text).unwrap();
            assert_eq!((target.host.as_str(), target.port), (host, port), "{text}");
        }
        for text in [
            "",
            ":1",
            "a:b",
            "a:0",
            "a:70000",
            "a b",
            "https://a",
            "[fd00::7",
            "a\u{1b}",
        ] {
            assert!(target(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_pin_is_a_node_and_a_digest() {
        let digest = "ab".repeat(32);
        for text in [format!("n={digest}"), format!("n=sha256:{digest}")] {
            assert_eq!(pin(&text).unwrap().0, "n");
        }
        for text in ["", "n", "n=", "n=zz", &format!("={digest}")] {
            assert!(pin(text).is_err(), "{text}");
        }
    }
}
