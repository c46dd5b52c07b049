//! Debian's chromium without a window, asked over a pipe: one message of its developers' protocol, one NUL.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

/// An answer has to come in this time, on however busy a machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// Browsers take memory: one at a time.
static ONE: Mutex<()> = Mutex::new(());

/// A browser with one page, which is closed with it.
pub(crate) struct Browser {
    child: Child,
    to: File,
    from: Receiver<Json>,
    asked: u64,
    session: Option<String>,
    /// What the page said and asked for without being asked.
    events: Vec<Json>,
    folder: TempDir,
    _one: MutexGuard<'static, ()>,
}

impl Browser {
    /// Starts one; nothing where there is none, which is said.
    pub(crate) fn start() -> Option<Self> {
        let there = Command::new("chromium")
            .arg("--version")
            .stderr(Stdio::null())
            .output();
        if there.is_err() {
            eprintln!(
                "SKIPPED: no page is looked at: chromium is missing (Debian: apt-get install chromium)"
            );
            return None;
        }
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = TempDir::new().unwrap();
        let [to, from] = ["to", "from"].map(|name| folder.path().join(name));
        assert!(
            Command::new("mkfifo")
                .args([&to, &from])
                .status()
                .unwrap()
                .success()
        );
        // It reads from 3 and writes to 4.
        let child = Command::new("sh")
            .args(["-c", "exec chromium \"$@\" 3<\"$0/to\" 4>\"$0/from\""])
            .arg(folder.path())
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--no-first-run",
            ])
            .args([
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--remote-debugging-pipe",
            ])
            .arg(format!(
                "--user-data-dir={}",
                folder.path().join("profile").display()
            ))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let to = File::options().write(true).open(to).unwrap();
        let from = BufReader::new(File::open(from).unwrap());
        let (send, receive) = channel();
        thread::spawn(move || {
            for message in from.split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).unwrap();
                if send.send(message).is_err() {
                    break;
                }
            }
        });
        let mut browser = Self {
            child,
            to,
            from: receive,
            asked: 0,
            session: None,
            events: Vec::new(),
            folder,
            _one: one,
        };
        let target = browser.ask("Target.createTarget", &json!({"url": "about:blank"}));
        let attached = browser.ask(
            "Target.attachToTarget",
            &json!({"targetId": target["targetId"], "flatten": true}),
        );
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network", "DOM", "Accessibility"] {
            browser.ask(&format!("{domain}.enable"), &json!({}));
        }
        browser.size(1280, 1000);
        Some(browser)
    }

    /// Asks the browser, and returns its answer.
    pub(crate) fn ask(&mut self, method: &str, parameters: &Json) -> Json {
        self.asked += 1;
        let mut message = json!({"id": self.asked, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        write!(self.to, "{message}\0").unwrap();
        loop {
            let said = self.from.recv_timeout(PATIENCE);
            let said = said.unwrap_or_else(|_| panic!("no answer to {method}"));
            if said["id"] == self.asked {
                assert!(said["error"].is_null(), "{method}: {}", said["error"]);
                return said["result"].clone();
            }
            self.events.push(said);
        }
    }

    /// Waits for an event, which may have come already.
    fn wait(&mut self, method: &str) {
        while !self.events.iter().any(|event| event["method"] == method) {
            let said = self.from.recv_timeout(PATIENCE);
            self.events
                .push(said.unwrap_or_else(|_| panic!("{method} does not come")));
        }
    }

    /// Opens a file, with what stands behind `#`.
    pub(crate) fn open(&mut self, file: &Path, fragment: &str) {
        // Another fragment alone would not load it again.
        self.ask("Page.navigate", &json!({"url": "about:blank"}));
        self.settle();
        self.events
            .retain(|event| event["method"] != "Page.loadEventFired");
        let address = format!("file://{}#{fragment}", file.display());
        self.ask("Page.navigate", &json!({"url": address}));
        self.wait("Page.loadEventFired");
        self.settle();
    }

    /// Lets the page do what it has to do.
    pub(crate) fn settle(&mut self) {
        thread::sleep(Duration::from_millis(300));
        self.ask("Runtime.evaluate", &json!({"expression": "1"}));
    }

    /// Returns what an expression of the page comes to.
    pub(crate) fn value(&mut self, expression: &str) -> Json {
        let answer = self.ask(
            "Runtime.evaluate",
            &json!({"expression": expression, "returnByValue": true, "userGesture": true}),
        );
        assert!(
            answer["exceptionDetails"].is_null(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// Returns the texts of what a selector finds and is seen.
    pub(crate) fn texts(&mut self, selector: &str) -> Vec<String> {
        let seen = self.value(&format!(
            "[...document.querySelectorAll({})].filter(e => e.checkVisibility()).map(e => e.textContent)",
            json!(selector)
        ));
        serde_json::from_value(seen).unwrap()
    }

    /// Presses a key as a person does: `j`, `/`, `Enter`, `Escape`, `ArrowDown`, `Tab`.
    pub(crate) fn press(&mut self, key: &str) {
        let (text, code) = match key {
            "Enter" => ("\r", 13),
            "Escape" => ("", 27),
            "Tab" => ("", 9),
            "ArrowDown" => ("", 40),
            "ArrowUp" => ("", 38),
            _ => (key, 0),
        };
        let down = if text.is_empty() {
            "rawKeyDown"
        } else {
            "keyDown"
        };
        for kind in [down, "keyUp"] {
            self.ask(
                "Input.dispatchKeyEvent",
                &json!({"type": kind, "key": key, "text": if kind == "keyUp" { "" } else { text }, "windowsVirtualKeyCode": code}),
            );
        }
        self.settle();
    }

    /// Types a text where the focus is.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.ask("Input.insertText", &json!({"text": text}));
        self.settle();
    }

    /// Clicks with the mouse into the middle of what a selector finds.
    pub(crate) fn click(&mut self, selector: &str) {
        let place = self.value(&format!(
            "(() => {{ const e = document.querySelector({}); e.scrollIntoView({{block: 'center'}}); const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; }})()",
            json!(selector)
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            self.ask(
                "Input.dispatchMouseEvent",
                &json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1}),
            );
        }
        self.settle();
    }

    /// Makes the window so large.
    pub(crate) fn size(&mut self, width: u32, height: u32) {
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}),
        );
    }

    /// Shows the page as somebody wants it who likes it `light` or `dark`.
    pub(crate) fn scheme(&mut self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.ask("Emulation.setEmulatedMedia", &json!({"features": features}));
    }

    /// Prints the page, and returns the paper as PDF.
    pub(crate) fn print(&mut self) -> Vec<u8> {
        let paper = json!({"printBackground": true, "preferCSSPageSize": true, "paperWidth": 8.27, "paperHeight": 11.69});
        let printed = self.ask("Page.printToPDF", &paper);
        STANDARD.decode(printed["data"].as_str().unwrap()).unwrap()
    }

    /// Keeps what is seen, where a developer wants to look at it: the folder that `KUBEASSAY_SCREENSHOTS` names.
    pub(crate) fn picture(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("KUBEASSAY_SCREENSHOTS") else {
            return;
        };
        let mut wanted = json!({"format": "png"});
        if name.contains("-whole") {
            let size = self.ask("Page.getLayoutMetrics", &json!({}))["cssContentSize"].clone();
            let height = size["height"].as_f64().unwrap().min(5_000.0);
            wanted["captureBeyondViewport"] = json!(true);
            wanted["clip"] =
                json!({"x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1});
        }
        let seen = self.ask("Page.captureScreenshot", &wanted);
        let bytes = STANDARD.decode(seen["data"].as_str().unwrap()).unwrap();
        std::fs::write(Path::new(&folder).join(name), bytes).unwrap();
    }

    /// Returns a folder for files of the page's.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Shows that the page asked for nothing but itself and told no error.
    pub(crate) fn assert_quiet(&mut self) {
        self.settle();
        for event in &self.events {
            let details = &event["params"];
            match event["method"].as_str().unwrap_or_default() {
                "Network.requestWillBeSent" => {
                    let address = details["request"]["url"].as_str().unwrap();
                    let itself = ["file:///", "data:,", "about:blank"];
                    assert!(
                        itself.iter().any(|one| address.starts_with(one)),
                        "{address}"
                    );
                }
                "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded" => {
                    panic!("{details}")
                }
                _ => {}
            }
        }
    }

    /// Returns what the console was told, and forgets it, as well as requests that the page's policy stopped.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        self.settle();
        let failed = self
            .events
            .iter()
            .filter(|event| event["params"]["blockedReason"] == "csp");
        let stopped: Vec<Json> = failed
            .map(|event| event["params"]["requestId"].clone())
            .collect();
        self.events
            .retain(|event| !stopped.contains(&event["params"]["requestId"]));
        let (told, other) = std::mem::take(&mut self.events)
            .into_iter()
            .partition(|event: &Json| event["method"] == "Log.entryAdded");
        self.events = other;
        told.iter()
            .map(|event: &Json| event["params"]["entry"]["text"].to_string())
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.session = None;
        let closing = json!({"id": self.asked + 1, "method": "Browser.close"});
        drop(write!(self.to, "{closing}\0"));
        drop(self.child.wait());
    }
}
