//! Rules through their public interface: pages, catalogue, selectors, evaluation.

mod catalogue;
mod front_matter;
mod hostile;
mod selector;
mod support;
