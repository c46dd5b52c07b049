//! To be written.

use std::io::Write;

use super::Comparison;
use crate::{Prose, RenderError};

pub(super) fn write(_: &Comparison, _: &Prose, _: &mut dyn Write) -> Result<(), RenderError> {
    todo!()
}
