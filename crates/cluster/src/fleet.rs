//! A whole cluster: every node of the API's list becomes facts, handed back one by one.
//!
//! A thread lists and asks; the caller takes what is ready. Nothing grows with the size of the cluster but the names of
//! nodes that were seen: pages are fetched when they are needed, so many kubelets are asked at a time, and whoever takes
//! facts slowly slows all of it down.

mod node;
mod objects;

use std::collections::{HashMap, HashSet, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use kubeassay_core::facts::{ClusterFacts, EndpointFacts, Facts, Problem, Tool, Trouble};
use kubeassay_core::verdict::Cause;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::api::{Api, ApiError, NodeDocument, NodePage};
use crate::credentials::Connection;
use crate::identity::ClientIdentity;
use crate::interrupt;
use crate::kubelet::{Access, Caller, Questions};
use crate::names::Resolver;
use crate::runtime::block_on;
use node::{Listed, Way};

/// How many kubelets are asked at a time unless something else is wanted.
pub const IN_FLIGHT: usize = 64;
/// How many requests a second the API server gets unless something else is wanted. It is meant to keep a scan from
/// being a burden, not to pace it: an API server takes some thousand such requests a second, and says so when it does
/// not (429).
pub const PER_SECOND: u32 = 2000;
/// How many nodes one page of the list holds.
const PAGE: usize = 500;
/// How many it holds after a page was larger than may be.
const SMALL_PAGE: usize = 50;
/// How often a list that expired is begun again.
const MOST_RESTARTS: u32 = 3;
/// More nodes than any cluster has.
const MOST_NODES: usize = 100_000;
/// How many pages in a row may bring no node that was not seen before; more than a list has that was begun again.
const MOST_FRUITLESS: usize = MOST_NODES / SMALL_PAGE;
/// How many facts wait for the one who takes them.
const READY: usize = 64;
/// How many words on how far lists are wait for the one who hears them.
const UNHEARD: usize = 16;
/// How often it is looked whether all of it should stop.
const TICK: Duration = Duration::from_millis(50);

/// Tells a scan to end soon; what was not asked by then is handed back as such.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Says so.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns whether it was said.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How a cluster is scanned.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who writes the facts.
    pub tool: Tool,
    /// Which nodes, as a label selector; all without one.
    pub selector: Option<String>,
    /// What kubelets are asked. Through the API server there is no probe: it is the API server that the kubelet sees.
    pub questions: Questions,
    /// Kubelets are asked through the API server, which takes `nodes/proxy`.
    pub via_proxy: bool,
    /// With what kubelets are asked directly. Where it names no caller, the identity of the connection asks, and a token
    /// only if it is harmless; where it names no authorities, the cluster's; where it cannot look up names, the machine's
    /// own resolver does. Its times, clock, user agent and redaction hold for the API server too.
    pub access: Access,
    /// How many kubelets are asked at a time.
    pub in_flight: usize,
    /// How many requests a second the API server gets at most.
    pub per_second: u32,
    /// The objects of the cluster are read as well.
    pub objects: bool,
}

/// How far a list of objects is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What the objects are called, such as `pods`.
    pub what: String,
    /// How many were read.
    pub read: usize,
    /// How many follow, where the server says so.
    pub remaining: Option<u64>,
}

/// Why there is no scan at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FleetError {
    /// The API server gave no answer that can be used; without a list of nodes there is nothing to scan.
    #[error("{}", .0.reason)]
    NoAnswer(Trouble),
    /// It was stopped before there was anything to hand back.
    #[error("interrupted before the nodes were listed")]
    Interrupted,
    /// The thread could not be started, or ended early.
    #[error("cannot ask anything from here: {0}")]
    Runtime(String),
}

/// A scan under way.
#[derive(Debug)]
pub struct Scan {
    /// What the API says of the cluster as a whole.
    pub cluster: ClusterFacts,
    /// How many nodes there will be, where the server says so: it does not with a selector over several pages.
    pub expected: Option<usize>,
    /// The nodes.
    pub nodes: Nodes,
}

/// The facts of nodes, as they become ready. An error says that the list broke off: not all nodes are there.
#[derive(Debug)]
pub struct Nodes {
    ready: mpsc::Receiver<Result<Facts, Problem>>,
    thread: Option<JoinHandle<()>>,
}

impl Iterator for Nodes {
    type Item = Result<Facts, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.ready.blocking_recv();
        if next.is_none()
            && let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            return Some(Err(Problem {
                cause: Cause::Unreachable,
                path: None,
                reason: "asking ended early: a fault of kubeassay".to_owned(),
            }));
        }
        next
    }
}

/// What is known once the first page of nodes is there.
struct Begun {
    cluster: ClusterFacts,
    expected: Option<usize>,
}

/// What is told before a scan has begun.
enum Beginning {
    /// A list of objects goes on.
    Listed(Progress),
    /// There is something to hand back, or never will be.
    Begun(Box<Result<Begun, FleetError>>),
}

/// Begins to scan a cluster; returns when the first page of its nodes is there, and its objects if they are wanted.
/// `heard` is told how far those are.
///
/// # Errors
///
/// If nodes cannot be listed.
pub fn scan(
    connection: Connection,
    options: Options,
    stop: Stop,
    mut heard: impl FnMut(Progress),
) -> Result<Scan, FleetError> {
    interrupt::watch(&stop);
    let (begun, start) = std::sync::mpsc::sync_channel(UNHEARD);
    let (hand, ready) = mpsc::channel(READY);
    let work = move || {
        let failed = begun.clone();
        let ran = block_on(async move {
            // Whoever asked has gone if it cannot be told.
            let tell = |listed| {
                // Whoever is busy with the last ones does not need this one.
                let _unheard = begun.try_send(Beginning::Listed(listed));
            };
            match Fleet::begin(connection, options, stop, &tell).await {
                Ok((fleet, first)) => {
                    if begun.send(Beginning::Begun(Box::new(Ok(first)))).is_ok() {
                        fleet.run(&hand).await;
                    }
                }
                Err(error) => {
                    let _gone = begun.send(Beginning::Begun(Box::new(Err(error))));
                }
            }
        });
        if let Err(error) = ran {
            let error = FleetError::Runtime(error.to_string());
            let _gone = failed.send(Beginning::Begun(Box::new(Err(error))));
        }
    };
    let thread = std::thread::Builder::new()
        .name("fleet".to_owned())
        .spawn(work)
        .map_err(|error| FleetError::Runtime(error.to_string()))?;
    let ended = |_| FleetError::Runtime("asking ended early".to_owned());
    let Begun { cluster, expected } = loop {
        match start.recv().map_err(ended)? {
            Beginning::Listed(listed) => heard(listed),
            Beginning::Begun(begun) => break (*begun)?,
        }
    };
    Ok(Scan {
        cluster,
        expected,
        nodes: Nodes {
            ready,
            thread: Some(thread),
        },
    })
}

/// Returns the version of an API server, such as `v1.34.2`; nothing where it does not say.
///
/// # Errors
///
/// If it gives no answer that can be used.
pub fn version(connection: Connection, access: &Access) -> Result<Option<String>, FleetError> {
    let api = api(connection, access, PER_SECOND);
    let asked = block_on(async move { api.version().await });
    match asked {
        Ok(answer) => answer.map_err(|error| FleetError::NoAnswer(error.trouble())),
        Err(error) => Err(FleetError::Runtime(error.to_string())),
    }
}

/// Asks the API server to ask the kubelet of the node called `name` for its `/configz`, which takes `nodes/proxy`.
pub fn ask_through_the_api_server(
    connection: Connection,
    access: &Access,
    name: &str,
) -> EndpointFacts {
    let listed = Listed::named(name);
    let api = api(connection, access, PER_SECOND);
    let asked = block_on(async { node::through_the_api_server(&listed, access, &api).await });
    asked.unwrap_or_else(|error| {
        let trouble = Trouble {
            cause: Cause::Unreachable,
            reason: format!("cannot ask anything from here: {error}"),
        };
        node::unanswered_by_proxy(&listed, access, trouble)
    })
}

/// Asks whether whoever the connection asks as may read `/pods` of a kubelet, by the cluster's RBAC; nothing where the
/// API server does not say.
pub fn may_read_pods(connection: Connection, access: &Access) -> Option<bool> {
    let api = api(connection, access, PER_SECOND);
    block_on(async move { api.may_read_pods().await })
        .ok()?
        .ok()
}

/// Asks whether the connection's token may be sent to nodes, for whoever asks a kubelet directly.
///
/// # Errors
///
/// Why it must not be sent. A client certificate is no token and always harmless.
pub fn token_is_harmless(connection: Connection, access: &Access) -> Result<(), Trouble> {
    let refused = |reason| {
        Err(Trouble {
            cause: Cause::NotPermitted,
            reason,
        })
    };
    let token = match &connection.identity {
        Some(ClientIdentity::Certificate(_)) => return Ok(()),
        Some(ClientIdentity::Token(token)) => token.clone(),
        None => return refused("there is no token that could be sent to nodes".to_owned()),
    };
    let api = api(connection, access, PER_SECOND);
    match block_on(async move { api.harmless_token().await }) {
        // What was said is about another token than the one that would be sent.
        Ok(Ok(asked)) if asked != token => refused(
            "the token is not sent to nodes: its file was renewed while it was asked what it may do; try again"
                .to_owned(),
        ),
        Ok(asked) => asked.map(drop),
        Err(error) => refused(format!(
            "the token is not sent to nodes: nothing can be asked from here: {error}"
        )),
    }
}

fn api(connection: Connection, access: &Access, per_second: u32) -> Api {
    Api::new(
        connection,
        &access.user_agent,
        access.timeouts,
        access.clock.clone(),
        per_second,
    )
}

/// Something that came to an end.
enum Event {
    /// A page of the list was fetched.
    Page(Result<NodePage, ApiError>),
    /// A node was asked.
    Asked(usize, Box<Facts>),
    /// It is time to look whether to stop.
    Tick,
}

/// A scan while it runs.
struct Fleet {
    api: Arc<Api>,
    way: Arc<Way>,
    selector: Option<Arc<str>>,
    in_flight: usize,
    stop: Stop,
    /// Listed, and not asked yet.
    waiting: VecDeque<Listed>,
    /// Being asked, by number.
    asking: HashMap<usize, Arc<Listed>>,
    /// The number of the next node.
    number: usize,
    /// The names of all that were listed: a list that is begun again has them again.
    seen: HashSet<String>,
    /// What the next page continues with; none: there is none.
    next: Option<String>,
    /// The list is begun again.
    again: bool,
    /// How many nodes a page holds.
    page: usize,
    restarts: u32,
    /// How many pages in a row brought nothing new.
    fruitless: usize,
    /// Why the list broke off.
    broken: Option<Problem>,
    running: JoinSet<Event>,
    /// A page is being fetched.
    fetching: bool,
}

impl Fleet {
    /// Asks what there is to know of the cluster, and for the first page.
    async fn begin(
        connection: Connection,
        options: Options,
        stop: Stop,
        heard: &(dyn Fn(Progress) + Sync),
    ) -> Result<(Self, Begun), FleetError> {
        let server = connection.server.to_string();
        let Options {
            tool,
            selector,
            questions,
            via_proxy,
            mut access,
            in_flight,
            per_second,
            objects: with_objects,
        } = options;
        if !via_proxy {
            access
                .authorities
                .get_or_insert_with(|| connection.authorities.clone());
            access
                .resolve
                .get_or_insert_with(|| Resolver::of_this_machine().into_resolve());
        }
        let api = Arc::new(api(connection, &access, per_second));
        let beginning = async {
            // Without nodes there is nothing to scan: they come first.
            let (first, page) = first_page(&api, selector.as_deref())
                .await
                .map_err(|error| FleetError::NoAnswer(error.trouble()))?;
            if !via_proxy && questions.configz && access.caller.is_none() {
                access.caller = caller(&api).await;
            }
            let cluster = cluster(&api, server, &access).await;
            Ok((first, page, cluster))
        };
        let begun = until_stopped(&stop, beginning).await;
        let (first, page, mut cluster) = begun.ok_or(FleetError::Interrupted)??;
        if with_objects {
            cluster.inventory = Some(objects::inventory(&api, &stop, heard).await);
        }
        let remaining = match (&first.next, first.remaining) {
            (None, _) => Some(0),
            (Some(_), remaining) => remaining,
        };
        let way = Way {
            tool,
            access,
            questions,
            via_proxy,
        };
        let mut fleet = Self {
            api,
            way: Arc::new(way),
            selector: selector.as_deref().map(Arc::from),
            in_flight: in_flight.max(1),
            stop,
            waiting: VecDeque::new(),
            asking: HashMap::new(),
            number: 0,
            seen: HashSet::new(),
            next: None,
            again: false,
            page,
            restarts: 0,
            fruitless: 0,
            broken: None,
            running: JoinSet::new(),
            fetching: false,
        };
        fleet.take(first);
        let expected = remaining.map(|remaining| remaining + fleet.waiting.len());
        Ok((fleet, Begun { cluster, expected }))
    }

    /// Asks all nodes, and hands back what they say.
    async fn run(mut self, hand: &mpsc::Sender<Result<Facts, Problem>>) {
        self.running.spawn(tick());
        loop {
            if self.stop.is_stopped() {
                self.give_up(hand).await;
                return;
            }
            self.start();
            if self.asking.is_empty() && !self.fetching {
                break;
            }
            match self.running.join_next().await {
                Some(Ok(Event::Tick)) => {
                    self.running.spawn(tick());
                }
                Some(Ok(Event::Page(page))) => {
                    self.fetching = false;
                    self.turn(page);
                }
                Some(Ok(Event::Asked(number, facts))) => {
                    self.asking.remove(&number);
                    // Nobody takes them any more: then nobody has to be asked.
                    if hand.send(Ok(*facts)).await.is_err() {
                        return;
                    }
                }
                // A task ends early only if it panics; those whose answers are missing are handed back below.
                Some(Err(_)) | None => break,
            }
        }
        if !self.asking.is_empty() {
            let trouble = Trouble {
                cause: Cause::Unreachable,
                reason: "asking ended early: a fault of kubeassay".to_owned(),
            };
            self.hand_back_rest(hand, &trouble).await;
        }
        if let Some(broken) = self.broken.take() {
            let _gone = hand.send(Err(broken)).await;
        }
    }

    /// Starts what there is room for.
    fn start(&mut self) {
        while self.asking.len() < self.in_flight
            && let Some(listed) = self.waiting.pop_front()
        {
            let listed = Arc::new(listed);
            let number = self.number;
            self.number += 1;
            self.asking.insert(number, Arc::clone(&listed));
            let (way, api) = (Arc::clone(&self.way), Arc::clone(&self.api));
            self.running.spawn(async move {
                let facts = node::ask(&listed, &way, &api).await;
                Event::Asked(number, Box::new(facts))
            });
        }
        // The next page is there before this one is done with.
        let wanted = self.waiting.len() < self.page / 2 && (self.next.is_some() || self.again);
        if wanted && !self.fetching {
            self.fetching = true;
            let from = self.next.take();
            self.again = false;
            let (api, selector) = (Arc::clone(&self.api), self.selector.clone());
            let page = self.page;
            self.running.spawn(async move {
                Event::Page(api.nodes(selector.as_deref(), page, from.as_deref()).await)
            });
        }
    }

    /// Takes a page, or begins the list again where it expired (410: the server has forgotten that state of it).
    fn turn(&mut self, page: Result<NodePage, ApiError>) {
        match page {
            Ok(page) => self.take(page),
            Err(error) if error.status() == Some(410) && self.restarts < MOST_RESTARTS => {
                self.restarts += 1;
                self.again = true;
            }
            // The place in the list is lost with it, and what was seen is known.
            Err(error) if error.is_too_large() && self.page > SMALL_PAGE => {
                self.page = SMALL_PAGE;
                self.again = true;
            }
            Err(error) => {
                let trouble = error.trouble();
                self.broken = Some(Problem {
                    cause: trouble.cause,
                    path: None,
                    reason: format!(
                        "the list of nodes broke off after {}: {}",
                        self.seen.len(),
                        trouble.reason
                    ),
                });
            }
        }
    }

    /// Takes a page: those of its nodes that were not seen before.
    fn take(&mut self, page: NodePage) {
        let before = self.seen.len();
        for document in page.nodes {
            let listed = Listed::new(document);
            if self.seen.len() >= MOST_NODES {
                self.broken = Some(Problem {
                    cause: Cause::TooLarge,
                    path: None,
                    reason: format!(
                        "there are more than {MOST_NODES} nodes; choose some with --selector"
                    ),
                });
                return;
            }
            if self.seen.insert(listed.object.name.clone()) {
                self.waiting.push_back(listed);
            }
        }
        self.next = page.next;
        self.fruitless = if self.seen.len() > before {
            0
        } else {
            self.fruitless + 1
        };
        if self.fruitless > MOST_FRUITLESS && self.next.take().is_some() {
            self.broken = Some(Problem {
                cause: Cause::TooLarge,
                path: None,
                reason: format!(
                    "the list of nodes does not end: {} pages in a row brought nothing new",
                    self.fruitless
                ),
            });
        }
    }

    /// Ends early: what is not answered yet is handed back as not asked.
    async fn give_up(mut self, hand: &mpsc::Sender<Result<Facts, Problem>>) {
        self.running.abort_all();
        let trouble = Trouble {
            cause: Cause::Unreachable,
            reason: "interrupted before this node had answered".to_owned(),
        };
        self.hand_back_rest(hand, &trouble).await;
        if self.fetching || self.next.is_some() || self.again {
            let problem = Problem {
                cause: Cause::Unreachable,
                path: None,
                reason: format!(
                    "interrupted after {} nodes were listed; there are more",
                    self.seen.len()
                ),
            };
            let _gone = hand.send(Err(problem)).await;
        }
    }

    /// Hands back all that is not answered, with the reason.
    async fn hand_back_rest(
        &mut self,
        hand: &mpsc::Sender<Result<Facts, Problem>>,
        trouble: &Trouble,
    ) {
        let asking = std::mem::take(&mut self.asking);
        let waiting = std::mem::take(&mut self.waiting);
        let rest = asking
            .into_values()
            .chain(waiting.into_iter().map(Arc::new));
        for listed in rest {
            let facts = node::unasked(&listed, &self.way, trouble);
            if hand.send(Ok(facts)).await.is_err() {
                return;
            }
        }
    }
}

/// Returns what is taken of a node's object. For the fuzz target.
pub(crate) fn listed(document: NodeDocument) -> crate::fuzzing::Node {
    let listed = Listed::new(document);
    crate::fuzzing::Node {
        hosts: listed.hosts,
        port: listed.port,
        name: listed.object.name,
    }
}

async fn tick() -> Event {
    sleep(TICK).await;
    Event::Tick
}

/// Returns what comes of `work`; nothing if it was stopped before.
async fn until_stopped<T>(stop: &Stop, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    loop {
        match timeout(TICK, work.as_mut()).await {
            Ok(done) => return Some(done),
            Err(_) if stop.is_stopped() => return None,
            Err(_) => {}
        }
    }
}

/// Returns the first page, and how many nodes pages may hold.
async fn first_page(api: &Api, selector: Option<&str>) -> Result<(NodePage, usize), ApiError> {
    match api.nodes(selector, PAGE, None).await {
        Err(error) if error.is_too_large() => {
            let page = api.nodes(selector, SMALL_PAGE, None).await?;
            Ok((page, SMALL_PAGE))
        }
        page => Ok((page?, PAGE)),
    }
}

/// Returns as whom kubelets are asked: as the API server is, but a token only if it is harmless.
async fn caller(api: &Api) -> Option<Caller> {
    let mut identity = api.identity()?;
    let token_allowed = match &mut identity {
        ClientIdentity::Certificate(_) => Ok(()),
        ClientIdentity::Token(token) => api.harmless_token().await.map(|asked| *token = asked),
    };
    Some(Caller {
        identity,
        token_allowed,
    })
}

/// Asks what there is to know of the cluster as a whole. What cannot be read is a problem in it.
async fn cluster(api: &Api, server: String, access: &Access) -> ClusterFacts {
    let mut problems = Vec::new();
    let mut note = |error: ApiError| {
        let Trouble { cause, reason } = error.trouble();
        problems.push(Problem {
            cause,
            path: None,
            reason,
        });
        None
    };
    let version = api.version().await.unwrap_or_else(&mut note);
    let uid = api.cluster_uid().await.unwrap_or_else(&mut note);
    let minor = version.as_deref().and_then(minor);
    let objects = api.kubelet_config(minor, &*access.redact).await;
    ClusterFacts {
        uid,
        server,
        version,
        objects,
        inventory: None,
        problems,
    }
}

/// Returns the minor of a version such as `v1.34.2`.
pub(crate) fn minor(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("v1.")?;
    let end = rest.find(|c: char| !c.is_ascii_digit());
    rest.get(..end.unwrap_or(rest.len()))?.parse().ok()
}
