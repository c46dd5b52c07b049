//! The objects of a cluster: all lists that rules are about, a few at a time, each in pages.
//!
//! Of each list it is known whether it was read whole, else why not; one that fails costs nothing but itself. No more
//! than a page of each list that is read at the time is in memory. What is asked stands in `core::facts::objects`
//! (`LISTS`, `COUNTED`, `IN_DEFAULT`), and what that takes in `rbac.rs`. Secrets are never among it.

mod lists;
mod served;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use kubeassay_core::facts::Trouble;
use kubeassay_core::facts::objects::{Builder, COUNTED, IN_DEFAULT, Inventory, Kind, LISTS};
use kubeassay_core::verdict::Cause;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Progress;
use super::stop::{Stop, TICK, until_stopped};
use crate::api::{Api, ApiError};
use lists::{Task, Turn};
use served::Served;

/// How many lists are read at a time.
const AT_A_TIME: usize = 4;

/// Reads the objects of a cluster. It ends early where it is told to stop: what was not read by then is known as such.
pub(super) async fn inventory(
    api: &Arc<Api>,
    stop: &Stop,
    heard: &(dyn Fn(Progress) + Sync),
) -> Inventory {
    let mut builder = Builder::new();
    let served = until_stopped(stop, served::ask(api)).await;
    let outcome = match &served {
        Some(served) => served.outcome(),
        None => Err(interrupted("the resources of the API")),
    };
    builder.listed(Kind::Resources, outcome);
    let served = served.unwrap_or_default();
    for name in served.names() {
        builder.resource(name);
    }
    let reading = Reading {
        tasks: tasks(&served),
        running: BTreeMap::new(),
        fetching: JoinSet::new(),
        in_default: Ok(()),
        builder,
    };
    reading.run(api, stop, heard).await
}

/// Returns all there is to do, the longest first.
fn tasks(served: &Served) -> VecDeque<Task> {
    let (pods, others): (Vec<_>, Vec<_>) = LISTS.iter().partition(|it| it.kind == Kind::Pods);
    let lists = pods.into_iter().chain(others).map(Task::list);
    let counted = COUNTED.iter().filter_map(|one| {
        let version = served.version(one.group, one.resource)?;
        Some(Task::counted(one, version))
    });
    let in_default = IN_DEFAULT.iter().map(|one| {
        let version = served.version(one.group, one.resource);
        Task::in_default(one, version)
    });
    lists.chain(counted).chain(in_default).collect()
}

/// The lists while they are read.
struct Reading {
    /// Not begun.
    tasks: VecDeque<Task>,
    /// A page of each is on its way, by number.
    running: BTreeMap<usize, Task>,
    fetching: JoinSet<(usize, Result<Vec<u8>, ApiError>)>,
    /// How the lists of the namespace `default` came out, all of them together.
    in_default: Result<(), Trouble>,
    builder: Builder,
}

impl Reading {
    async fn run(
        mut self,
        api: &Arc<Api>,
        stop: &Stop,
        heard: &(dyn Fn(Progress) + Sync),
    ) -> Inventory {
        let mut number = 0;
        loop {
            while self.running.len() < AT_A_TIME
                && let Some(task) = self.tasks.pop_front()
            {
                self.fetch(api, number, task);
                number += 1;
            }
            if self.running.is_empty() {
                break;
            }
            if stop.is_stopped() {
                self.fetching.abort_all();
                let rest = std::mem::take(&mut self.running).into_values();
                for task in rest.chain(std::mem::take(&mut self.tasks)) {
                    let why = interrupted(&task.said());
                    self.done(&task, Err(why));
                }
                break;
            }
            match timeout(TICK, self.fetching.join_next()).await {
                Err(_) => {}
                Ok(Some(Ok((number, answer)))) => {
                    let Some(mut task) = self.running.remove(&number) else {
                        continue;
                    };
                    match task.turn(&mut self.builder, answer) {
                        Turn::More => {
                            heard(task.progress());
                            self.fetch(api, number, task);
                        }
                        Turn::Done(outcome) => self.done(&task, outcome),
                    }
                }
                // A task ends early only if it panics.
                Ok(Some(Err(_)) | None) => {
                    for task in std::mem::take(&mut self.running).into_values() {
                        let why = Trouble {
                            cause: Cause::Unreachable,
                            reason: format!(
                                "reading {} ended early: a fault of kubeassay",
                                task.said()
                            ),
                        };
                        self.done(&task, Err(why));
                    }
                    self.fetching = JoinSet::new();
                }
            }
        }
        let Self {
            mut builder,
            in_default,
            ..
        } = self;
        builder.listed(Kind::InDefault, in_default);
        builder.finish()
    }

    /// Asks for the next page of a list.
    fn fetch(&mut self, api: &Arc<Api>, number: usize, task: Task) {
        let (api, list, page) = (Arc::clone(api), task.wanted(), task.page());
        self.fetching.spawn(async move {
            let answer = api.list(&list, &page).await;
            (number, answer)
        });
        self.running.insert(number, task);
    }

    /// Takes note of how a list came out.
    fn done(&mut self, task: &Task, outcome: Result<(), Trouble>) {
        match (task.kind(), task.counted_name(), outcome) {
            (Some(Kind::InDefault), _, Err(why)) => {
                // The first one tells why; the mend is mostly the same for all.
                if self.in_default.is_ok() {
                    self.in_default = Err(why);
                }
            }
            (Some(Kind::InDefault), _, Ok(())) => {}
            (Some(kind), _, outcome) => self.builder.listed(kind, outcome),
            (None, Some(name), Err(why)) => self.builder.uncounted(name, why),
            (None, _, _) => {}
        }
    }
}

fn interrupted(what: &str) -> Trouble {
    Trouble {
        cause: Cause::Unreachable,
        reason: format!("interrupted before {what} were read whole"),
    }
}
