//! To be written.

use std::io::Write;

use super::Comparison;
use crate::RenderError;

pub(super) fn write(_: &Comparison, _: &mut dyn Write) -> Result<(), RenderError> {
    todo!()
}
