//! A cluster of stand-ins in a process of its own, for `cargo xtask bench --cluster`: what the server's side costs is
//! told apart from what the program costs.
//!
//! ```text
//! cluster serve NODES MILLISECONDS FOLDER [PODS RBAC NAMESPACES]
//!                              serve until the input ends; FOLDER gets a kubeconfig and its files; with PODS: and as
//!                              many pods, objects of RBAC and namespaces, with all that belongs to them
//! cluster handshakes COUNT     print what a handshake costs each side
//! ```

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "it is only for measuring"
)]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kubeassay_testkit::api_server::{ApiServer, Recorded, Rule, nodes};
use kubeassay_testkit::certificates::{Authority, Certified};
use kubeassay_testkit::crowd::{Size, lists, objects};
use kubeassay_testkit::kubelet::Kubelet;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

const USER: &str = "bench";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["serve", count, delay, folder, more @ ..] => {
            let delay = Duration::from_millis(delay.parse().expect("milliseconds"));
            let nodes = count.parse().expect("a number");
            let more: Vec<usize> = more.iter().map(|text| text.parse().unwrap()).collect();
            let crowd = match more.as_slice() {
                [] => None,
                [pods, rbac, namespaces] => Some(Size {
                    nodes,
                    pods: *pods,
                    rbac: *rbac,
                    namespaces: *namespaces,
                }),
                _ => panic!("PODS RBAC NAMESPACES"),
            };
            serve(nodes, crowd, delay, Path::new(folder));
        }
        ["handshakes", count] => handshakes(count.parse().expect("a number")),
        _ => panic!("serve NODES MILLISECONDS FOLDER [PODS RBAC NAMESPACES], or handshakes COUNT"),
    }
}

/// Serves the API and all kubelets, which are one: every node has the same address.
fn serve(count: usize, crowd: Option<Size>, delay: Duration, folder: &Path) {
    let authority = Arc::new(Authority::new("kubernetes"));
    let client = authority.client(USER);
    let mut kubelet = Kubelet::hardened(authority.server(&["127.0.0.1"]));
    kubelet.clients = Some([(client.der.clone(), USER.to_owned())].into());
    kubelet.granted.insert((USER.to_owned(), "/configz"));
    kubelet.delay = delay;
    let kubelet = kubelet.start();
    let port = format!("\"Port\":{}", kubelet.port);
    let nodes = nodes(count)
        .into_iter()
        .enumerate()
        .map(|(index, (name, node))| {
            let address = format!("10.{}.{}.{}", index >> 16, (index >> 8) & 255, index & 255);
            let node = node
                .replace(&address, "127.0.0.1")
                .replace("\"Port\":10250", &port);
            (name, node)
        });
    let certified = authority.server(&["127.0.0.1"]);
    let mut server = ApiServer::new(certified, Arc::clone(&authority), nodes.collect());
    server
        .certificates
        .insert(client.der.clone(), USER.to_owned());
    let all = || vec!["*".to_owned()];
    let rule = Rule {
        verbs: all(),
        groups: all(),
        resources: all(),
        paths: all(),
        ..Rule::default()
    };
    server.rules.insert(USER.to_owned(), vec![rule]);
    server.delay = delay;
    if let Some(size) = crowd {
        server.lazy = lists(size);
        server.objects = objects();
    }
    let server = server.start();
    let config = format!(
        "current-context: bench\n\
         contexts: [{{name: bench, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: 'https://{}', certificate-authority: ca.crt}}}}]\n\
         users: [{{name: u, user: {{client-certificate: me.crt, client-key: me.key}}}}]\n",
        server.address
    );
    for (name, text) in [
        ("config", &config),
        ("ca.crt", &authority.pem()),
        ("me.crt", &client.pem),
        ("me.key", &client.key_pem),
    ] {
        std::fs::write(folder.join(name), text).expect("a file");
    }
    println!("127.0.0.1:{}", kubelet.port);
    let ended = std::io::stdin().read_to_end(&mut Vec::new());
    ended.expect("an input");
    let requests = server.requests();
    println!(
        "{} {} {}",
        server.connections() + kubelet.seen().connections,
        requests.len() + kubelet.seen().requests.len(),
        longest(&requests)
    );
}

/// Returns how many pages the longest list had: they can only be asked for one after the other.
fn longest(requests: &[Recorded]) -> usize {
    let mut pages: BTreeMap<&str, usize> = BTreeMap::new();
    for request in requests {
        let path = request.path.split('?').next().unwrap_or_default();
        *pages.entry(path).or_default() += 1;
    }
    pages.into_values().max().unwrap_or_default()
}

/// Shakes hands in memory, as a scan does with kubelets: TLS 1.3, both show certificates of P-256, nothing is resumed.
fn handshakes(count: u32) {
    let authority = Authority::new("kubernetes");
    let (server, client) = (authority.server(&["127.0.0.1"]), authority.client(USER));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap())
        .unwrap();
    let roots = Arc::new(roots);
    let chain = |of: &Certified| vec![CertificateDer::from(of.der.clone())];
    let key = |of: &Certified| PrivateKeyDer::from_pem_slice(of.key_pem.as_bytes()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider));
    let serving = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(chain(&server), key(&server))
        .unwrap();
    let mut asking = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain(&client), key(&client))
        .unwrap();
    asking.resumption = rustls::client::Resumption::disabled();
    let (serving, asking) = (Arc::new(serving), Arc::new(asking));
    let (mut of_clients, mut of_servers) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let (mut of_client, mut of_server) = (Duration::ZERO, Duration::ZERO);
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let begun = Instant::now();
        let mut client = ClientConnection::new(Arc::clone(&asking), name).unwrap();
        of_client += begun.elapsed();
        let begun = Instant::now();
        let mut server = ServerConnection::new(Arc::clone(&serving)).unwrap();
        of_server += begun.elapsed();
        while client.is_handshaking() || server.is_handshaking() {
            let mut wire = Vec::new();
            let begun = Instant::now();
            while client.wants_write() {
                client.write_tls(&mut wire).unwrap();
            }
            of_client += begun.elapsed();
            let begun = Instant::now();
            let mut sent = wire.as_slice();
            while !sent.is_empty() {
                server.read_tls(&mut sent).unwrap();
                server.process_new_packets().unwrap();
            }
            let mut wire = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut wire).unwrap();
            }
            of_server += begun.elapsed();
            let begun = Instant::now();
            let mut sent = wire.as_slice();
            while !sent.is_empty() {
                client.read_tls(&mut sent).unwrap();
                client.process_new_packets().unwrap();
            }
            of_client += begun.elapsed();
        }
        of_clients.push(of_client);
        of_servers.push(of_server);
    }
    // Others take the processor in between: the one in the middle tells what it costs.
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2].as_micros()
    };
    println!(
        "client {} us, server {} us",
        median(of_clients),
        median(of_servers)
    );
}
