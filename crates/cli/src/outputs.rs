//! Which formats go where.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::bail;
use kubeassay_core::rule::Rule;
use kubeassay_report::{Format, Prose, Room, Style};

use crate::args::{Global, OutputArgs, Wanted, of_file};
use crate::evidence::{Signer, attestation_of};
use crate::output::{self, Destination, Output, Readers};

/// Where reports go, tried out before anything is read.
pub(crate) struct Outputs {
    places: Vec<(Format, Destination)>,
    signer: Option<Signer>,
}

impl Outputs {
    /// Returns what was asked for; a table on stdout where nothing was. What goes to files is signed with the key in the
    /// file `key`, if there is one. `command` is how the command is called.
    ///
    /// # Errors
    ///
    /// Where a file cannot be written, two formats go to the same place, or no format is told.
    pub(crate) fn new(
        arguments: &OutputArgs,
        key: Option<&Path>,
        command: &str,
    ) -> anyhow::Result<Self> {
        let wanted = wanted(arguments)?;
        let files = wanted.iter().filter_map(|wanted| wanted.file.as_deref());
        let signer = key.map(|key| Signer::new(key, files)).transpose()?;
        let mut places = BTreeSet::new();
        let mut outputs = Vec::with_capacity(wanted.len());
        for Wanted { format, file } in wanted {
            if !places.insert(file.clone()) {
                match file {
                    Some(file) => bail!("{} is named for two formats", file.display()),
                    None => bail!(
                        "only one format goes to stdout; give the others a file: {format}=FILE"
                    ),
                }
            }
            if let (Some(_), Some(file)) = (&signer, &file)
                && !places.insert(Some(attestation_of(file)))
            {
                bail!(
                    "the attestation of {} would take the place of another file that is asked for",
                    file.display()
                );
            }
            let command = format!("{command} -o {format}");
            outputs.push((format, Destination::new(file.as_deref(), &command)?));
        }
        Ok(Self {
            places: outputs,
            signer,
        })
    }

    /// Returns whether the report is signed.
    pub(crate) const fn are_signed(&self) -> bool {
        self.signer.is_some()
    }

    /// Returns who signs it, if anybody does.
    pub(crate) const fn signer(&self) -> Option<&Signer> {
        self.signer.as_ref()
    }

    /// Returns what the pages of `rules` say, if a format that was asked for shows it.
    pub(crate) fn prose<'a>(&self, rules: impl IntoIterator<Item = &'a Rule>) -> Prose {
        let mut formats = self.places.iter().map(|(format, _)| format);
        if formats.any(|format| format.shows_prose()) {
            Prose::of(rules)
        } else {
            Prose::default()
        }
    }

    /// Returns who signs, if anybody does, and where what goes; files are begun when there is something to be in them.
    pub(crate) fn open(self, global: &Global) -> (Option<Signer>, Vec<Place>) {
        let Self { places, signer } = self;
        let is_signed = signer.is_some();
        let open = |(format, destination): (Format, Destination)| {
            let layout = output::layout(global, destination.is_file());
            let readers = if format.is_for_everybody() {
                Readers::All
            } else {
                Readers::Owner
            };
            let room = destination.room();
            let output = destination.open(readers);
            Place {
                format,
                style: Style {
                    width: layout.width,
                    colour: layout.colour,
                },
                room,
                output: if is_signed {
                    output.digesting()
                } else {
                    output
                },
            }
        };
        (signer, places.into_iter().map(open).collect())
    }

    /// Returns whether somebody reads the exit code's reason on stdout already.
    pub(crate) fn tell_people(&self) -> bool {
        let mut outputs = self.places.iter();
        outputs.any(|(format, destination)| format.is_for_people() && !destination.is_file())
    }
}

/// A format and where it goes.
pub(crate) struct Place {
    pub(crate) format: Format,
    /// What whoever reads it can show.
    pub(crate) style: Style,
    /// Where what has no place yet in its document waits.
    pub(crate) room: Room,
    pub(crate) output: Output,
}

fn wanted(arguments: &OutputArgs) -> anyhow::Result<Vec<Wanted>> {
    let to_file = arguments.output_file.as_deref();
    let to_file = to_file.filter(|file| *file != Path::new("-"));
    let mut wanted = arguments.output.clone();
    match (to_file, wanted.as_mut_slice()) {
        (None, []) => wanted.push(Wanted {
            format: Format::Table,
            file: None,
        }),
        (None, _) => {}
        (Some(file), []) => wanted.push(Wanted {
            // A name without an extension tells nothing: then it is what stdout would get.
            format: match file.extension() {
                Some(_) => of_file(file).map_err(anyhow::Error::msg)?,
                None => Format::Table,
            },
            file: Some(file.to_owned()),
        }),
        (Some(file), [only]) if only.file.is_none() => only.file = Some(file.to_owned()),
        (Some(_), _) => bail!(
            "--output-file takes one format; where there are several, name the file of each: -o FORMAT=FILE"
        ),
    }
    Ok(wanted)
}
