//! The second thread: for what may never answer.
//!
//! A scan is one thread. What a file server, or a tenant's memory, may keep waiting for ever is read by a
//! second one, which lives only while such reads go on. If it does not answer in time it is left behind,
//! still waiting, and what it was to read is `blocked`. It holds no lock while it reads and shares nothing but what it
//! reads through and what was read before ([`Seen`]), so that nothing else waits for it. Where several things are read it
//! goes on with the next while the first is looked at.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use kubeassay_core::Cause;
use kubeassay_core::facts::Trouble;

use crate::clock::Deadline;
use crate::seen::Seen;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many threads are left behind before nothing more is tried: each keeps its stack.
const MOST_LEFT_BEHIND: usize = 8;
/// How many answers wait to be looked at before the second thread waits too: each may be as large as a file.
const MOST_AHEAD: usize = 1;
/// Walking and reading need little of it.
const STACK_BYTES: usize = 256 << 10;

/// What the second thread is called.
const NAME: &str = "aside";

type Job = Box<dyn FnOnce() + Send>;

/// Returns whether this is the second thread.
pub(crate) fn is_here() -> bool {
    std::thread::current().name() == Some(NAME)
}

/// Does one read after the other on a second thread, and gives up on those that do not answer.
pub(crate) struct Aside {
    deadline: Deadline,
    seen: Arc<Seen>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    /// The thread, while there is one.
    thread: Option<Sender<Job>>,
    left_behind: usize,
    /// What did not answer once is not asked again.
    silent: HashSet<String>,
}

impl Aside {
    /// Returns one that waits for nothing beyond `deadline`.
    pub(crate) fn new(deadline: Deadline) -> Self {
        Self {
            deadline,
            seen: Arc::default(),
            state: RefCell::default(),
        }
    }

    /// Returns the point after which nothing more is begun.
    pub(crate) const fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Returns what was read so far, by either thread.
    pub(crate) const fn seen(&self) -> &Arc<Seen> {
        &self.seen
    }

    /// Does `job` on the second thread and returns what it gives.
    ///
    /// `whom` is asked, as it is spoken of: a mount or a process. If it did not answer before it is not asked
    /// again. `what` is what is read, for the reason.
    ///
    /// # Errors
    ///
    /// Fails with the cause `blocked` if there was no answer in time, or no thread to wait for it.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        whom: &str,
        what: impl std::fmt::Display,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Trouble> {
        let mut errand = self.errand(whom);
        let mut answer = errand.add(job);
        errand.begin();
        answer.next(what)
    }

    /// Does `job` on the second thread, which gives one answer after the other, until it is told that nobody listens.
    pub(crate) fn each<T: Send + 'static>(
        &self,
        whom: &str,
        job: impl FnOnce(&mut dyn FnMut(T) -> bool) + Send + 'static,
    ) -> Answers<'_, T> {
        let mut errand = self.errand(whom);
        let answers = errand.each(job);
        errand.begin();
        answers
    }

    /// Returns an errand to `whom`, for several questions that are handed over together: each time costs as much as
    /// reading a few files.
    pub(crate) fn errand(&self, whom: &str) -> Errand<'_> {
        let mut state = self.state.borrow_mut();
        let thread = if state.silent.contains(whom) {
            Err(before(whom))
        } else if state.left_behind >= MOST_LEFT_BEHIND {
            Err(format!(
                "{MOST_LEFT_BEHIND} reads were given up already, and no more are tried"
            ))
        } else {
            let thread = state.thread();
            thread.map_err(|error| format!("no thread to read it with: {error}"))
        };
        Errand {
            aside: self,
            whom: whom.to_owned(),
            thread,
            jobs: Vec::new(),
        }
    }

    /// Ends the second thread, if there is one, until it is needed again.
    pub(crate) fn rest(&self) {
        self.state.borrow_mut().thread = None;
    }
}

/// Questions to one who may never answer, in the order in which they will be asked.
pub(crate) struct Errand<'a> {
    aside: &'a Aside,
    whom: String,
    /// Who asks, or why nobody does.
    thread: Result<Sender<Job>, String>,
    jobs: Vec<Job>,
}

impl<'a> Errand<'a> {
    /// Adds a question, whose answer can be waited for once all have begun.
    pub(crate) fn add<T: Send + 'static>(
        &mut self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Answers<'a, T> {
        self.each(|answer: &mut dyn FnMut(T) -> bool| {
            answer(job());
        })
    }

    fn each<T: Send + 'static>(
        &mut self,
        job: impl FnOnce(&mut dyn FnMut(T) -> bool) + Send + 'static,
    ) -> Answers<'a, T> {
        let from = match &self.thread {
            Ok(_) => {
                let (answer, answers) = mpsc::sync_channel(MOST_AHEAD);
                self.jobs.push(Box::new(move || {
                    job(&mut |given| answer.send(given).is_ok());
                }));
                Ok(answers)
            }
            Err(why) => Err(why.clone()),
        };
        Answers {
            aside: self.aside,
            whom: self.whom.clone(),
            from,
        }
    }

    /// Has all of them asked, one after the other.
    pub(crate) fn begin(self) {
        let Self { thread, jobs, .. } = self;
        if let Ok(thread) = thread {
            // It can only have ended by a fault of ours, which the missing answers tell.
            drop(thread.send(Box::new(move || jobs.into_iter().for_each(|job| job()))));
        }
    }
}

/// What the second thread gives, one after the other.
pub(crate) struct Answers<'a, T> {
    aside: &'a Aside,
    whom: String,
    /// Where they come from, or why there are no more.
    from: Result<Receiver<T>, String>,
}

impl<T> Answers<'_, T> {
    /// Waits for the next answer. `what` is what is read, for the reason.
    ///
    /// # Errors
    ///
    /// Fails with the cause `blocked` if there was no answer in time, now or before, or no thread to wait for it.
    pub(crate) fn next(&mut self, what: impl std::fmt::Display) -> Result<T, Trouble> {
        self.wait().map_err(|why| Trouble {
            cause: Cause::Blocked,
            reason: format!("{what} was not read: {why}"),
        })
    }

    fn wait(&mut self) -> Result<T, String> {
        let whom = &self.whom;
        let from = self.from.as_ref().map_err(String::clone)?;
        // What was answered before somebody fell silent is an answer.
        let silent = self.aside.state.borrow().silent.contains(whom);
        let patience = if silent {
            Duration::ZERO
        } else {
            PATIENCE.min(self.aside.deadline.remaining())
        };
        let why = match from.recv_timeout(patience) {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Timeout) if silent => before(whom),
            Err(RecvTimeoutError::Timeout) => {
                let mut state = self.aside.state.borrow_mut();
                state.left_behind += 1;
                state.silent.insert(whom.clone());
                format!(
                    "{whom} did not answer within {:.1} seconds",
                    patience.as_secs_f32()
                )
            }
            // The thread is gone without an answer: only a fault of ours can do that.
            Err(RecvTimeoutError::Disconnected) => "internal error while it was read".to_owned(),
        };
        self.aside.rest();
        self.from = Err(before(whom));
        Err(why)
    }
}

fn before(whom: &str) -> String {
    format!("{whom} did not answer before")
}

impl State {
    /// Returns the thread, which is made if there is none.
    fn thread(&mut self) -> std::io::Result<Sender<Job>> {
        if let Some(thread) = &self.thread {
            return Ok(thread.clone());
        }
        let (jobs, queue) = mpsc::channel::<Job>();
        let thread = std::thread::Builder::new()
            .name(NAME.to_owned())
            .stack_size(STACK_BYTES);
        // The thread ends with the queue; one that never answers ends with the program.
        thread.spawn(move || queue.iter().for_each(|job| job()))?;
        self.thread = Some(jobs.clone());
        Ok(jobs)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use kubeassay_core::Cause;
    use kubeassay_core::facts::Trouble;

    use super::{Aside, MOST_LEFT_BEHIND};
    use crate::clock::Deadline;

    fn for_ever() {
        loop {
            std::thread::park();
        }
    }

    #[test]
    fn answers_come_back_and_the_thread_is_made_anew() {
        let aside = Aside::new(Deadline::after(Duration::from_mins(1)));
        for round in 0..3 {
            assert_eq!(aside.run("a", "a", move || round).unwrap(), round);
            aside.rest();
        }
    }

    #[test]
    fn answers_come_in_their_order_and_none_behind_one_that_does_not() {
        let aside = Aside::new(Deadline::after(Duration::from_millis(300)));
        let mut answers = aside.each("a", |answer| {
            assert!(answer(1) && answer(2));
            for_ever();
        });
        assert_eq!(
            (answers.next("a/1").unwrap(), answers.next("a/2").unwrap()),
            (1, 2)
        );
        for (what, why) in [("a/3", "within 0.3 seconds"), ("a/4", "before")] {
            let silent = answers.next(what).unwrap_err();
            assert_eq!(silent.cause, Cause::Blocked);
            let expected = format!("{what} was not read: a did not answer {why}");
            assert_eq!(silent.reason, expected);
        }
    }

    #[test]
    fn what_was_answered_on_an_errand_before_somebody_fell_silent_counts() {
        let aside = Aside::new(Deadline::after(Duration::from_millis(300)));
        let mut errand = aside.errand("a");
        let mut first = errand.add(|| 1);
        let mut second = errand.add(|| "2");
        let mut silent = errand.add(for_ever);
        let mut behind = errand.add(|| 4);
        errand.begin();
        assert_eq!(first.next("a/1").unwrap(), 1);
        let why = |trouble: Trouble| trouble.reason;
        assert_eq!(
            why(silent.next("a/3").unwrap_err()),
            "a/3 was not read: a did not answer within 0.3 seconds"
        );
        assert_eq!(
            why(behind.next("a/4").unwrap_err()),
            "a/4 was not read: a did not answer before"
        );
        assert_eq!(second.next("a/2").unwrap(), "2");
        // Nobody else has to wait for it, nor to be asked again.
        let aside = Aside::new(Deadline::after(Duration::from_mins(1)));
        aside.state.borrow_mut().silent.insert("a".to_owned());
        let mut errand = aside.errand("a");
        let mut unasked = errand.add(|| unreachable!());
        errand.begin();
        assert_eq!(
            why(unasked.next("a/5").unwrap_err()),
            "a/5 was not read: a did not answer before"
        );
        assert_eq!(aside.run("b", "b", || 6).unwrap(), 6);
    }

    #[test]
    fn who_is_not_listened_to_stops() {
        let aside = Aside::new(Deadline::after(Duration::from_mins(1)));
        let (told, stopped) = std::sync::mpsc::channel();
        let mut answers = aside.each("a", move |answer| {
            while answer(0) {}
            told.send(()).unwrap();
        });
        assert_eq!(answers.next("a").unwrap(), 0);
        drop(answers);
        stopped.recv_timeout(Duration::from_secs(20)).unwrap();
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "time is what is tested")]
    fn who_does_not_answer_is_asked_once_and_never_beyond_the_deadline() {
        let begun = Instant::now();
        let aside = Aside::new(Deadline::after(Duration::from_millis(300)));
        let silent = aside.run("nfs at /n", "/n/c", for_ever).unwrap_err();
        assert_eq!(silent.cause, Cause::Blocked);
        assert_eq!(
            silent.reason,
            "/n/c was not read: nfs at /n did not answer within 0.3 seconds"
        );
        let again = aside.run("nfs at /n", "/n/d", || ()).unwrap_err();
        assert_eq!(
            again.reason,
            "/n/d was not read: nfs at /n did not answer before"
        );
        for more in 1..=MOST_LEFT_BEHIND {
            aside.run(&more.to_string(), "x", for_ever).unwrap_err();
        }
        let given_up = aside.run("other", "/o", || ()).unwrap_err();
        assert!(
            given_up.reason.contains("no more are tried"),
            "{given_up:?}"
        );
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}
