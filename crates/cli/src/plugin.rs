//! What the program is called as: itself, a plugin of kubectl (`kubectl assay`), or that plugin's completion.
//!
//! kubectl starts `kubectl-assay` from the PATH for `kubectl assay …`, and `kubectl_complete-assay …` for what could come
//! next: <https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/>.

use std::ffi::OsString;
use std::path::Path;

use clap::{Command, CommandFactory as _};

use crate::args::Arguments;

/// What the program is called as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    /// `kubeassay`, or whatever else somebody calls it.
    Itself,
    /// `kubectl assay`.
    Plugin,
    /// What kubectl asks for on a TAB.
    Completion,
}

impl Called {
    /// Tells it by the first word of the command line.
    pub(crate) fn by(program: Option<&OsString>) -> Self {
        let name = program.and_then(|program| Path::new(program).file_name());
        match name.and_then(|name| name.to_str()) {
            Some("kubectl-assay") => Self::Plugin,
            Some("kubectl_complete-assay") => Self::Completion,
            _ => Self::Itself,
        }
    }

    /// Returns the command line with the name that users type in usage, help and examples.
    pub(crate) fn command(self) -> Command {
        match self {
            Self::Itself => Arguments::command(),
            Self::Plugin | Self::Completion => {
                renamed(Arguments::command()).bin_name("kubectl assay")
            }
        }
    }
}

fn renamed(command: Command) -> Command {
    let examples = command.get_before_help().map(|help| {
        let help = help.to_string();
        let lines = help.split_inclusive('\n').map(|line| {
            let typed = line.trim_start().starts_with("kubeassay ");
            if typed {
                line.replacen("kubeassay ", "kubectl assay ", 1)
            } else {
                line.to_owned()
            }
        });
        lines.collect::<String>()
    });
    let command = match examples {
        Some(examples) => command.before_help(examples),
        None => command,
    };
    command.mut_subcommands(renamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_tells_what_it_is_called_as() {
        for (word, called) in [
            ("kubectl-assay", Called::Plugin),
            ("/usr/local/bin/kubectl-assay", Called::Plugin),
            ("kubectl_complete-assay", Called::Completion),
            ("kubeassay", Called::Itself),
            ("", Called::Itself),
        ] {
            assert_eq!(Called::by(Some(&OsString::from(word))), called, "{word}");
        }
        assert_eq!(Called::by(None), Called::Itself);
    }

    #[test]
    fn help_of_the_plugin_says_what_its_users_type() {
        let mut command = Called::Plugin.command();
        command.build();
        let help = command.render_long_help().to_string();
        assert!(help.contains("  kubectl assay scan --demo "), "{help}");
        assert!(help.contains("Usage: kubectl assay "), "{help}");
        assert!(!help.contains("\n  kubeassay "), "{help}");
    }
}
