//! What is said on stderr: errors, warnings, and what is being done.

use std::fmt::Display;
use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use kubeassay_core::text;

use crate::args::{Colour, Global};

/// Speaks on stderr, as loud as the user wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Messages {
    quiet: bool,
    verbose: bool,
    colour: Colour,
}

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const NOTE: Style = AnsiColor::Cyan.on_default();

impl Messages {
    pub(crate) const fn new(global: &Global) -> Self {
        Self {
            quiet: global.quiet,
            verbose: global.verbose,
            colour: global.color,
        }
    }

    /// Says why a command could not be done, with everything that led to it.
    pub(crate) fn error(self, error: &anyhow::Error) {
        self.say(ERROR, "error", &format!("{error:#}"));
    }

    /// Says what to do about the error above.
    pub(crate) fn hint(self, hint: &str) {
        self.say(NOTE, "hint", hint);
    }

    /// Says what the user should know although the command goes on.
    pub(crate) fn warning(self, message: &dyn Display) {
        if !self.quiet {
            self.say(WARNING, "warning", &message.to_string());
        }
    }

    /// Says what is being done, for those who asked.
    pub(crate) fn note(self, message: &dyn Display) {
        if self.verbose {
            self.say(NOTE, "note", &message.to_string());
        }
    }

    /// Says how far something is that the user waits for.
    pub(crate) fn progress(self, message: &dyn Display) {
        if !self.quiet {
            self.say(NOTE, "kubeassay", &message.to_string());
        }
    }

    /// Prints a text that is laid out already.
    pub(crate) fn verbatim(self, text: &str) {
        self.write(format_args!("{text}\n"));
    }

    fn say(self, style: Style, word: &str, message: &str) {
        // An excerpt of a file has lines of its own.
        let lines: Vec<String> = message.lines().map(text::escape).collect();
        self.write(format_args!(
            "{style}{word}{style:#}: {}\n",
            lines.join("\n")
        ));
    }

    fn write(self, text: std::fmt::Arguments<'_>) {
        let choice = match self.colour {
            Colour::Auto => anstream::ColorChoice::Auto,
            Colour::Always => anstream::ColorChoice::Always,
            Colour::Never => anstream::ColorChoice::Never,
        };
        let mut stderr = anstream::AutoStream::new(std::io::stderr(), choice);
        // There is nowhere left to say that stderr cannot be written.
        let _unsaid = stderr.write_fmt(text);
    }
}

/// Says that the program itself is at fault.
pub(crate) fn internal_error() {
    let mut stderr = std::io::stderr();
    let _unsaid = stderr.write_all(
        b"internal error: this is a fault of kubeassay, not of the host; please report it with the lines above\n",
    );
}
