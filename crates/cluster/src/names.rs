//! Names to addresses: a stub resolver of our own.
//!
//! The C library's would open shared libraries by the machine's `nsswitch.conf`. This one reads `/etc/hosts`
//! and `/etc/resolv.conf` (hosts(5), resolv.conf(5)) of the machine that kubeassay runs on, and asks the name
//! servers there over UDP, and over TCP where an answer does not fit (RFC 1035, RFC 7766).

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::Arc;
use std::time::Duration;

use kubeassay_core::text::escape;
use resolv_conf::{Config, ScopedIp};
use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, Question, RCODE, TYPE};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::kubelet::Resolve;

/// Where the names of single machines are.
const HOSTS: &str = "/etc/hosts";
/// Where the name servers are.
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// No more is read of either file.
const LARGEST_FILE: u64 = 1 << 20;
/// No more name servers are asked (`MAXNS` of resolv.conf(5)).
const MOST_SERVERS: usize = 3;
/// No more domains are searched (what Kubernetes lets a pod have).
const MOST_DOMAINS: usize = 32;
/// No longer is waited for one answer.
const LONGEST_WAIT: u64 = 10;
/// No server is asked more often for the same.
const MOST_ATTEMPTS: u32 = 3;
/// No longer is a name looked for.
const LONGEST_SEARCH: Duration = Duration::from_secs(30);
/// No more aliases are followed for one name.
const LONGEST_CHAIN: usize = 16;
/// No more addresses are taken from one answer.
const MOST_ADDRESSES: usize = 64;
/// The longest answer over UDP without extensions is 512 bytes; some servers send more.
const LARGEST_DATAGRAM: usize = 4096;
/// Stray datagrams that are passed over while an answer is waited for.
const MOST_STRAYS: usize = 64;
/// The port of name servers.
const DNS_PORT: u16 = 53;

/// Why a name has no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It cannot be a name of the DNS.
    #[error("`{}` is no name that can be looked up", escape(.0))]
    Invalid(String),
    /// Everybody asked says that there is no such name, or none with an address.
    #[error(
        "`{}` has no address: it is not in /etc/hosts, and the name servers of /etc/resolv.conf do not know it",
        escape(.0)
    )]
    Unknown(String),
    /// Nobody answered in time, or not to the question.
    #[error("no name server of /etc/resolv.conf answered for `{}`: {reason}", escape(.name))]
    Unanswered {
        /// The name.
        name: String,
        /// What the last of them did.
        reason: String,
    },
    /// The operating system gives no random numbers.
    #[error("there are no random numbers for a query to a name server")]
    NoRandom,
}

/// Looks up names as the machine is set up to.
#[derive(Clone, Debug)]
pub struct Resolver {
    hosts: BTreeMap<String, Vec<IpAddr>>,
    servers: Vec<SocketAddr>,
    search: Vec<String>,
    ndots: u32,
    wait: Duration,
    attempts: u32,
    only_tcp: bool,
    only_v4: bool,
}

impl Resolver {
    /// Returns a resolver by `/etc/hosts` and `/etc/resolv.conf`. One that cannot be read counts as empty.
    pub fn of_this_machine() -> Self {
        Self::new(&machine_file(HOSTS), &machine_file(RESOLV_CONF))
    }

    /// Returns a resolver by the texts of these two files. What is not understood in them is passed over,
    /// as the C library does.
    pub fn new(hosts: &[u8], resolv_conf: &[u8]) -> Self {
        let (config, _) = Config::parse_with_errors(resolv_conf);
        let search = config.get_last_search_or_domain();
        let search = search.map(|domain| domain.trim_matches('.').to_owned());
        Self {
            hosts: read_hosts(hosts),
            servers: config
                .get_nameservers_or_local()
                .iter()
                .filter_map(server_address)
                .take(MOST_SERVERS)
                .collect(),
            search: search
                .filter(|domain| !domain.is_empty())
                .take(MOST_DOMAINS)
                .collect(),
            ndots: config.ndots,
            wait: Duration::from_secs(u64::from(config.timeout).clamp(1, LONGEST_WAIT)),
            attempts: config.attempts.clamp(1, MOST_ATTEMPTS),
            only_tcp: config.use_vc,
            only_v4: config.no_aaaa,
        }
    }

    /// Returns the addresses of `name`, IPv4 first; at least one. An address is itself, in brackets or not;
    /// `localhost` is this machine, whoever says otherwise (RFC 6761).
    ///
    /// # Errors
    ///
    /// If it is no name, has no address, or nobody answered.
    pub async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, NameError> {
        let bare = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'));
        if let Ok(address) = bare.unwrap_or(name).parse() {
            return Ok(vec![address]);
        }
        let lower = name.to_ascii_lowercase();
        let plain = lower.strip_suffix('.').unwrap_or(&lower);
        if !is_name(plain) {
            return Err(NameError::Invalid(name.to_owned()));
        }
        if plain == "localhost" || plain.ends_with(".localhost") {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        if let Some(addresses) = self.hosts.get(plain) {
            return Ok(addresses.clone());
        }
        match timeout(LONGEST_SEARCH, self.look_up(name, &lower)).await {
            Ok(found) => found,
            Err(_) => Err(NameError::Unanswered {
                name: name.to_owned(),
                reason: format!("it took longer than {} s", LONGEST_SEARCH.as_secs()),
            }),
        }
    }

    /// Returns it as what kubelets' names are looked up with.
    pub fn into_resolve(self) -> Resolve {
        let resolver = Arc::new(self);
        Arc::new(move |name| {
            let resolver = Arc::clone(&resolver);
            Box::pin(async move {
                let found = resolver.resolve(&name).await;
                found.map_err(|error| error.to_string())
            })
        })
    }

    /// Asks for the name as it is and with each domain of the search list, in the order of resolv.conf(5).
    async fn look_up(&self, name: &str, lower: &str) -> Result<Vec<IpAddr>, NameError> {
        let mut failed = None;
        for candidate in self.candidates(lower) {
            match self.addresses(&candidate).await {
                Ok(addresses) if !addresses.is_empty() => return Ok(addresses),
                Ok(_) => {}
                Err(Fault::NoRandom) => return Err(NameError::NoRandom),
                // A server that fails for one domain of the list may well know the next; one that is silent
                // is silent for all.
                Err(Fault::Failed(reason)) => failed = Some(reason),
                Err(Fault::Silent(reason)) => {
                    failed = Some(reason);
                    break;
                }
            }
        }
        let name = name.to_owned();
        Err(match failed {
            Some(reason) => NameError::Unanswered { name, reason },
            None => NameError::Unknown(name),
        })
    }

    fn candidates(&self, lower: &str) -> Vec<String> {
        if let Some(absolute) = lower.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let dots = lower.bytes().filter(|byte| *byte == b'.').count();
        let searched = self.search.iter().map(|domain| format!("{lower}.{domain}"));
        let mut candidates: Vec<String> = searched.filter(|name| is_name(name)).collect();
        let early = u32::try_from(dots).is_ok_and(|dots| dots >= self.ndots);
        let at = if early { 0 } else { candidates.len() };
        candidates.insert(at, lower.to_owned());
        candidates
    }

    /// Returns the addresses of this very name. One family that fails is made up for by the other.
    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Fault> {
        let v4 = self.ask(name, TYPE::A).await;
        if self.only_v4 || matches!(v4, Err(Fault::Silent(_) | Fault::NoRandom)) {
            return v4;
        }
        let v6 = self.ask(name, TYPE::AAAA).await;
        match (v4, v6) {
            (Ok(mut v4), Ok(v6)) => {
                v4.extend(v6);
                Ok(v4)
            }
            (Ok(found), Err(fault)) | (Err(fault), Ok(found)) => {
                if found.is_empty() {
                    Err(fault)
                } else {
                    Ok(found)
                }
            }
            (Err(fault), Err(_)) => Err(fault),
        }
    }

    /// Asks one server after the other, and all again, until one has answered.
    async fn ask(&self, name: &str, kind: TYPE) -> Result<Vec<IpAddr>, Fault> {
        let mut last = Fault::Silent("it names no server that can be asked".to_owned());
        for _ in 0..self.attempts {
            for server in &self.servers {
                let query = Query::new(name, kind)?;
                match self.exchange(*server, &query).await {
                    Ok(Answer::Addresses(addresses)) => return Ok(addresses),
                    Ok(Answer::Failed(code)) => {
                        last = Fault::Failed(format!("{} answered {code:?}", server.ip()));
                    }
                    Ok(Answer::CutOff) => {
                        last = Fault::Failed(format!("{} cut its answer off", server.ip()));
                    }
                    Err(error) => last = Fault::Silent(format!("{}: {error}", server.ip())),
                }
            }
        }
        Err(last)
    }

    /// Asks one server: over UDP, and over TCP if the answer does not fit.
    async fn exchange(&self, server: SocketAddr, query: &Query) -> io::Result<Answer> {
        if !self.only_tcp {
            match within(self.wait, over_udp(server, query)).await? {
                Answer::CutOff => {}
                answer => return Ok(answer),
            }
        }
        within(self.wait, over_tcp(server, query)).await
    }
}

/// Why a question has no answer.
enum Fault {
    /// A server answered that it cannot.
    Failed(String),
    /// No server answered.
    Silent(String),
    /// There are no random numbers.
    NoRandom,
}

/// A question to a name server.
struct Query {
    id: u16,
    name: String,
    kind: TYPE,
    bytes: Vec<u8>,
}

/// What a name server said to it.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// These are the addresses; none if there is no such name or it has none of this family.
    Addresses(Vec<IpAddr>),
    /// It does not fit into a datagram.
    CutOff,
    /// The server could not answer.
    Failed(RCODE),
}

impl Query {
    fn new(name: &str, kind: TYPE) -> Result<Self, Fault> {
        let mut id = [0; 2];
        rustls::crypto::ring::default_provider()
            .secure_random
            .fill(&mut id)
            .map_err(|_| Fault::NoRandom)?;
        Self::with_id(u16::from_ne_bytes(id), name, kind)
    }

    fn with_id(id: u16, name: &str, kind: TYPE) -> Result<Self, Fault> {
        let unusable = |error: &dyn fmt::Display| Fault::Failed(error.to_string());
        let mut packet = Packet::new_query(id);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        let question = Name::new(name).map_err(|error| unusable(&error))?;
        packet.questions.push(Question::new(
            question,
            kind.into(),
            CLASS::IN.into(),
            false,
        ));
        let bytes = packet.build_bytes_vec().map_err(|error| unusable(&error))?;
        Ok(Self {
            id,
            name: name.to_owned(),
            kind,
            bytes,
        })
    }

    /// Reads an answer; nothing if it is none to this question.
    fn read(&self, bytes: &[u8]) -> Option<Answer> {
        let packet = Packet::parse(bytes).ok()?;
        let [question] = packet.questions.as_slice() else {
            return None;
        };
        let is_answer = packet.id() == self.id
            && packet.has_flags(PacketFlag::RESPONSE)
            && same(&question.qname, &self.name)
            && question.qtype == self.kind.into()
            && question.qclass == CLASS::IN.into();
        if !is_answer {
            return None;
        }
        if packet.has_flags(PacketFlag::TRUNCATION) {
            return Some(Answer::CutOff);
        }
        match packet.rcode() {
            RCODE::NoError => Some(Answer::Addresses(self.addresses(&packet))),
            RCODE::NameError => Some(Answer::Addresses(Vec::new())),
            code => Some(Answer::Failed(code)),
        }
    }

    /// Returns the addresses of the name that the aliases of the answer lead to.
    fn addresses(&self, packet: &Packet<'_>) -> Vec<IpAddr> {
        let mut name = self.name.clone();
        for _ in 0..LONGEST_CHAIN {
            let mut of_name = packet
                .answers
                .iter()
                .filter(|record| record.class == CLASS::IN && same(&record.name, &name));
            let alias = of_name.find_map(|record| match &record.rdata {
                RData::CNAME(target) => Some(target.0.to_string().to_ascii_lowercase()),
                _ => None,
            });
            match alias {
                Some(target) => name = target,
                None => break,
            }
        }
        let records = packet.answers.iter();
        records
            .filter(|record| record.class == CLASS::IN && same(&record.name, &name))
            .filter_map(|record| match (&record.rdata, self.kind) {
                (RData::A(a), TYPE::A) => Some(Ipv4Addr::from(a.address).into()),
                (RData::AAAA(aaaa), TYPE::AAAA) => Some(Ipv6Addr::from(aaaa.address).into()),
                _ => None,
            })
            .take(MOST_ADDRESSES)
            .collect()
    }
}

/// Returns the addresses in an answer to the question `id` for `name`; nothing if it is none, or holds none because
/// it was cut off or the server failed. For the fuzz target.
pub(crate) fn addresses_in(id: u16, name: &str, v6: bool, answer: &[u8]) -> Option<Vec<IpAddr>> {
    let kind = if v6 { TYPE::AAAA } else { TYPE::A };
    match Query::with_id(id, name, kind).ok()?.read(answer)? {
        Answer::Addresses(addresses) => Some(addresses),
        Answer::CutOff | Answer::Failed(_) => None,
    }
}

/// Returns whether a name of the DNS is this one; case does not count (RFC 4343).
fn same(name: &Name<'_>, other: &str) -> bool {
    name.to_string().eq_ignore_ascii_case(other)
}

/// Asks over UDP, from a port of the kernel's choice. The socket takes datagrams of that server alone.
async fn over_udp(server: SocketAddr, query: &Query) -> io::Result<Answer> {
    let any: SocketAddr = if server.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    socket.send(&query.bytes).await?;
    let mut buffer = vec![0; LARGEST_DATAGRAM];
    for _ in 0..MOST_STRAYS {
        let length = socket.recv(&mut buffer).await?;
        if let Some(answer) = buffer.get(..length).and_then(|bytes| query.read(bytes)) {
            return Ok(answer);
        }
    }
    Err(io::Error::other("it answers other questions than ours"))
}

/// Asks over TCP, where two bytes before each message say how long it is.
async fn over_tcp(server: SocketAddr, query: &Query) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(query.bytes.len()).map_err(io::Error::other)?;
    let mut message = length.to_be_bytes().to_vec();
    message.extend_from_slice(&query.bytes);
    stream.write_all(&message).await?;
    let mut length = [0; 2];
    stream.read_exact(&mut length).await?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer).await?;
    query
        .read(&answer)
        .ok_or_else(|| io::Error::other("it answers another question than ours"))
}

async fn within<T>(wait: Duration, asking: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match timeout(wait, asking).await {
        Ok(answer) => answer,
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no answer within {} s", wait.as_secs()),
        )),
    }
}

/// Returns whether `name` can be a name of the DNS, as far as hosts are called.
fn is_name(name: &str) -> bool {
    let fits = |label: &str| {
        let of_label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(of_label)
    };
    name.len() <= 253 && name.split('.').all(fits)
}

/// Returns where a name server listens; nothing if that needs the name of an interface.
fn server_address(server: &ScopedIp) -> Option<SocketAddr> {
    match server {
        ScopedIp::V4(address) => Some((*address, DNS_PORT).into()),
        ScopedIp::V6(address, None) => Some((*address, DNS_PORT).into()),
        ScopedIp::V6(address, Some(scope)) => {
            let scope = scope.parse().ok()?;
            Some(SocketAddrV6::new(*address, DNS_PORT, 0, scope).into())
        }
    }
}

/// Reads hosts(5): an address and its names a line, `#` begins a comment.
fn read_hosts(text: &[u8]) -> BTreeMap<String, Vec<IpAddr>> {
    let mut hosts: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
    for line in String::from_utf8_lossy(text).lines() {
        let line = line.split('#').next().unwrap_or("");
        let mut words = line.split_whitespace();
        let Some(Ok(address)) = words.next().map(str::parse::<IpAddr>) else {
            continue;
        };
        for name in words {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let addresses = hosts.entry(name).or_default();
            if !addresses.contains(&address) && addresses.len() < MOST_ADDRESSES {
                addresses.push(address);
            }
        }
    }
    for addresses in hosts.values_mut() {
        addresses.sort_by_key(IpAddr::is_ipv6);
    }
    hosts
}

/// Reads a file of the machine that kubeassay runs on; one that cannot be read is empty.
#[expect(
    clippy::disallowed_methods,
    reason = "how this machine looks up names is no fact of a scanned host"
)]
fn machine_file(path: &str) -> Vec<u8> {
    let mut content = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(LARGEST_FILE).read_to_end(&mut content));
    match read {
        Ok(_) => content,
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};
    use std::time::Duration;

    use simple_dns::rdata::{A, AAAA, CNAME, RData};
    use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, UdpSocket};

    use super::{NameError, Resolver};

    const HOSTS: &[u8] = b"127.0.0.1 localhost\n# 10.9.9.9 nobody\nfd00::7 node-1 N1\n10.0.0.7\tnode-1 # first\nrubbish x\n";

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(work)
    }

    fn addresses(list: &[&str]) -> Vec<IpAddr> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn what_needs_no_query_makes_none() {
        // No server could be asked: port 53 of this address is nobody's.
        let resolver = Resolver::new(HOSTS, b"nameserver 192.0.2.1\n");
        for (name, expected) in [
            ("10.1.2.3", &["10.1.2.3"][..]),
            ("[fd00::1]", &["fd00::1"]),
            ("localhost", &["127.0.0.1", "::1"]),
            ("a.localhost.", &["127.0.0.1", "::1"]),
            ("NODE-1", &["10.0.0.7", "fd00::7"]),
            ("n1.", &["fd00::7"]),
        ] {
            let found = block_on(resolver.resolve(name));
            assert_eq!(found, Ok(addresses(expected)), "{name}");
        }
        for name in ["", ".", "a..b", "a b", "evil\u{1b}[31m", &"a".repeat(300)] {
            let found = block_on(resolver.resolve(name));
            let error = found.unwrap_err();
            assert_eq!(error, NameError::Invalid(name.to_owned()));
            assert!(!error.to_string().contains('\u{1b}'));
        }
    }

    #[test]
    fn the_search_list_is_gone_through_in_order() {
        for (options, name, expected) in [
            ("", "api", &["api.a.example", "api.b.example", "api"][..]),
            ("", "api.", &["api"]),
            (
                "",
                "api.x",
                &["api.x", "api.x.a.example", "api.x.b.example"],
            ),
            (
                "options ndots:5\n",
                "kubernetes.default.svc",
                &[
                    "kubernetes.default.svc.a.example",
                    "kubernetes.default.svc.b.example",
                    "kubernetes.default.svc",
                ],
            ),
        ] {
            let text = format!("search a.example b.example.\n{options}");
            let resolver = Resolver::new(b"", text.as_bytes());
            assert_eq!(resolver.candidates(name), expected, "{options}{name}");
        }
    }

    #[test]
    fn bounds_hold_whatever_the_file_says() {
        let resolver = Resolver::new(
            b"",
            b"nameserver 10.0.0.1\nnameserver fe80::1%eth0\nnameserver fe80::1%3\nnameserver 10.0.0.2\nnameserver 10.0.0.3\noptions timeout:9999 attempts:9999\n",
        );
        let servers: Vec<String> = resolver.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["10.0.0.1:53", "[fe80::1%3]:53", "10.0.0.2:53"]);
        assert_eq!(
            (resolver.wait, resolver.attempts),
            (Duration::from_secs(10), 3)
        );
    }

    /// Answers as a name server does: `NAME` by what is asked for.
    fn reply(query: &[u8], over_tcp: bool) -> Vec<Vec<u8>> {
        let query = Packet::parse(query).unwrap();
        let question = query.questions[0].clone();
        let name = question.qname.to_string();
        let mut packet = Packet::new_reply(query.id());
        packet.set_flags(PacketFlag::RESPONSE);
        packet.questions.push(question.clone());
        let record = |name: &str, data| {
            let name = Name::new(name).unwrap().into_owned();
            ResourceRecord::new(name, CLASS::IN, 60, data)
        };
        let a = |address: [u8; 4]| {
            RData::A(A {
                address: u32::from_be_bytes(address),
            })
        };
        let cname = |name: &str| RData::CNAME(CNAME(Name::new(name).unwrap().into_owned()));
        let is_a = question.qtype == QTYPE::TYPE(TYPE::A);
        match name.as_str() {
            "plain.example" if is_a => packet.answers.push(record(&name, a([10, 0, 0, 1]))),
            "plain.example" => packet
                .answers
                .push(record(&name, RData::AAAA(AAAA { address: 1 }))),
            "alias.example" if is_a => packet.answers.extend([
                record("real.example", a([10, 0, 0, 2])),
                record("Middle.example", cname("real.example")),
                record(&name, cname("middle.EXAMPLE")),
                record("other.example", a([6, 6, 6, 6])),
            ]),
            "loop.example" => packet.answers.push(record(&name, cname(&name))),
            "large.example" if is_a && over_tcp => {
                packet.answers.push(record(&name, a([10, 0, 0, 3])));
            }
            "large.example" if is_a => packet.set_flags(PacketFlag::TRUNCATION),
            "broken.example" => *packet.rcode_mut() = RCODE::ServerFailure,
            "forged.example" if is_a => {
                let mut forged = packet.clone();
                forged.set_id(query.id() ^ 1);
                forged.answers.push(record(&name, a([6, 6, 6, 6])));
                let mut other = packet.clone();
                other.questions[0].qname = Name::new("other.example").unwrap();
                other.answers.push(record(&name, a([6, 6, 6, 6])));
                packet.answers.push(record(&name, a([10, 0, 0, 4])));
                return [forged, other, packet]
                    .map(|packet| packet.build_bytes_vec().unwrap())
                    .to_vec();
            }
            "alias.example" | "large.example" | "forged.example" => {}
            _ => *packet.rcode_mut() = RCODE::NameError,
        }
        vec![packet.build_bytes_vec().unwrap()]
    }

    /// Starts a name server that answers on UDP and TCP.
    async fn name_server() -> SocketAddr {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let udp = UdpSocket::bind(address).await.unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 512];
            loop {
                let (length, from) = udp.recv_from(&mut buffer).await.unwrap();
                for answer in reply(&buffer[..length], false) {
                    udp.send_to(&answer, from).await.unwrap();
                }
            }
        });
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = tcp.accept().await.unwrap();
                let length = stream.read_u16().await.unwrap();
                let mut query = vec![0; usize::from(length)];
                stream.read_exact(&mut query).await.unwrap();
                let answer = reply(&query, true).remove(0);
                let length = u16::try_from(answer.len()).unwrap();
                stream.write_u16(length).await.unwrap();
                stream.write_all(&answer).await.unwrap();
            }
        });
        address
    }

    #[test]
    fn answers_are_read_and_checked() {
        block_on(async {
            let mut resolver =
                Resolver::new(b"", b"search example\noptions attempts:1 timeout:1\n");
            resolver.servers = vec![name_server().await];
            for (name, expected) in [
                ("plain.example", &["10.0.0.1", "::1"][..]),
                ("plain", &["10.0.0.1", "::1"]),
                ("Plain.Example.", &["10.0.0.1", "::1"]),
                ("alias.example", &["10.0.0.2"]),
                ("large.example", &["10.0.0.3"]),
                ("forged.example", &["10.0.0.4"]),
            ] {
                assert_eq!(
                    resolver.resolve(name).await,
                    Ok(addresses(expected)),
                    "{name}"
                );
            }
            for name in ["loop.example.", "nobody"] {
                let error = resolver.resolve(name).await.unwrap_err();
                assert_eq!(error, NameError::Unknown(name.to_owned()));
            }
            let error = resolver.resolve("broken").await.unwrap_err();
            assert_eq!(
                error.to_string(),
                "no name server of /etc/resolv.conf answered for `broken`: 127.0.0.1 answered ServerFailure"
            );
            let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            resolver.servers = vec![silent.local_addr().unwrap()];
            let error = resolver.resolve("plain").await.unwrap_err();
            assert_eq!(
                error.to_string(),
                "no name server of /etc/resolv.conf answered for `plain`: 127.0.0.1: no answer within 1 s"
            );
        });
    }
}
