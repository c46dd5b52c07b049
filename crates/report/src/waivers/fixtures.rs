//! Rules, nodes and findings for tests of waivers.
