//! Addresses and ports of services, and what browsers are told.

use std::net::IpAddr;

use crate::components::server::Flags;
use crate::refusal::Refusal;
use crate::tables::Minor;

/// The fewest addresses that services may have.
const LEAST_BITS: u8 = 3;

/// Returns why the server does not start, if it does not.
pub(super) fn refused(flags: &Flags<'_, '_>) -> Option<Refusal> {
    ranges(flags)
        .or_else(|| ports(flags))
        .or_else(|| browsers(flags))
        .or_else(|| {
            let known = ["lease", "master-count", "none"];
            flags.one_of(
                "endpoint-reconciler-type",
                &known,
                "Reconciler not implemented:",
            )
        })
        .or_else(|| {
            let count = flags.number("apiserver-count")?;
            let reason = format!(
                "--apiserver-count should be a positive number, but value '{count}' provided"
            );
            (count <= 0).then(|| flags.refuse("apiserver-count", reason))
        })
}

fn ranges(flags: &Flags<'_, '_>) -> Option<Refusal> {
    let name = "service-cluster-ip-range";
    let text = flags.text(name);
    if text.is_empty() {
        return None;
    }
    let parts: Vec<&str> = text.split(',').collect();
    let mut networks = Vec::new();
    for (at, part) in parts.iter().enumerate().take(2) {
        match network(part) {
            Some(network) => networks.push(network),
            None => return Some(flags.refuse(name, format!("{name}[{at}] is not a valid cidr"))),
        }
    }
    if parts.len() > 2 {
        return Some(flags.refuse(
            name,
            format!("--{name} must not contain more than two entries"),
        ));
    }
    if let [(first, _), (second, _)] = networks.as_slice()
        && first.is_ipv4() == second.is_ipv4()
    {
        let reason = format!("--{name}[0] and --{name}[1] must be of different IP family");
        return Some(flags.refuse(name, reason));
    }
    let bits = networks.iter().map(|(_, bits)| *bits);
    if bits.into_iter().any(|bits| bits < LEAST_BITS) {
        let reason = "error determining service IP ranges: the service cluster IP range must be at least 8 IP addresses";
        return Some(flags.refuse(name, reason));
    }
    None
}

/// Returns the address of a network, and how many bits of it are its own to give.
fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/')?;
    let address: IpAddr = crate::flags::sloppy(address).parse().ok()?;
    let length: u8 = length.parse().ok()?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    Some((address, u8::checked_sub(all, length)?))
}

fn ports(flags: &Flags<'_, '_>) -> Option<Refusal> {
    let name = "service-node-port-range";
    let text = flags.text(name);
    let text = text.trim();
    let Some((low, high)) = range(text) else {
        let reason = format!("invalid argument {text:?} for \"--{name}\" flag");
        return Some(flags.refuse(name, reason));
    };
    let own = "kubernetes-service-node-port";
    let port = flags.number(own)?;
    if !(0..=65_535).contains(&port) {
        return Some(flags.refuse(
            own,
            format!("--{own} {port} must be between 0 and 65535, inclusive"),
        ));
    }
    (port > 0 && !(low..=high).contains(&port)).then(|| {
        let reason = format!("kubernetes service node port range {text} doesn't contain {port}");
        flags.refuse(own, reason)
    })
}

/// Reads a range of ports as `k8s.io/apimachinery/pkg/util/net.PortRange` does; nothing where it is refused.
fn range(text: &str) -> Option<(i64, i64)> {
    let number = |text: &str| text.parse::<i64>().ok();
    let (low, high) = match (text.split_once('-'), text.split_once('+')) {
        _ if text.is_empty() => (0, 0),
        (None, None) => (number(text)?, number(text)?),
        (Some((low, high)), None) => (number(low)?, number(high)?),
        (None, Some((low, more))) => (number(low)?, number(low)?.checked_add(number(more)?)?),
        (Some(_), Some(_)) => return None,
    };
    (low <= high && high <= 65_535).then_some((low, high))
}

fn browsers(flags: &Flags<'_, '_>) -> Option<Refusal> {
    let name = "strict-transport-security-directives";
    let is_directive = |text: &String| {
        let age = text.split('=').collect::<Vec<_>>();
        text == "includeSubDomains" || text == "preload" || matches!(age.as_slice(), ["max-age", _])
    };
    if let Some(wrong) = flags.list(name).iter().find(|text| !is_directive(text)) {
        let reason = format!(
            "--{name} invalid, allowed values: max-age=expireTime, includeSubDomains, preload; not {wrong:?}"
        );
        return Some(flags.refuse(name, reason));
    }
    let name = "cors-allowed-origins";
    let is_pinned = |text: &String| {
        let start = text.contains('^') || text.contains("//");
        start && (text.contains('$') || text.contains(':'))
    };
    let origins = flags.list(name);
    let wrong = origins.iter().find(|text| !is_pinned(text));
    // Earlier ones took any expression.
    let wrong = wrong.filter(|_| flags.minor() >= Minor(28))?;
    let reason = format!(
        "--{name} has an invalid regular expression: {wrong:?} does not pin to start/end of host in the origin header"
    );
    Some(flags.refuse(name, reason))
}
