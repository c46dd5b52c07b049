//! The colours. A word always stands beside them, so that nothing is lost without.

use anstyle::{AnsiColor, Style};
use kubeassay_core::Verdict;

/// What a piece of text is, for the eye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// As the terminal shows text.
    Plain,
    /// A heading.
    Strong,
    /// Secondary.
    Dim,
    /// Holds.
    Good,
    /// Does not hold.
    Bad,
    /// Not known.
    Doubt,
}

impl Ink {
    /// Returns the colour of a verdict's word.
    pub(crate) const fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Good,
            Verdict::Fail => Self::Bad,
            Verdict::Unknown => Self::Doubt,
            Verdict::Manual | Verdict::NotApplicable => Self::Dim,
        }
    }

    /// Returns `text` with the escape sequences of this colour, if `colour` is wanted.
    pub(crate) fn paint(self, text: &str, colour: bool) -> String {
        let style = self.style();
        if !colour || style.is_plain() || text.trim().is_empty() {
            return text.to_owned();
        }
        format!("{}{text}{}", style.render(), style.render_reset())
    }

    const fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Dim => Style::new().dimmed(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Doubt => AnsiColor::Yellow.on_default().bold(),
        }
    }
}
