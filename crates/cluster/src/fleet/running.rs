//! A scan while it runs: pages of the list of nodes, and the kubelets that are asked meanwhile.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use kubeassay_core::facts::{ClusterFacts, Facts, Problem, Trouble};
use kubeassay_core::verdict::Cause;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::node::{self, Listed, Way};
use super::stop::{TICK, until_stopped};
use super::{Begun, FleetError, Options, Progress, Stop, api, minor, objects};
use crate::api::{Api, ApiError, NodePage};
use crate::credentials::Connection;
use crate::identity::ClientIdentity;
use crate::kubelet::{Access, Caller};
use crate::names::Resolver;

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
pub(super) struct Fleet {
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
    pub(super) async fn begin(
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
    pub(super) async fn run(mut self, hand: &mpsc::Sender<Result<Facts, Problem>>) {
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

async fn tick() -> Event {
    sleep(TICK).await;
    Event::Tick
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
