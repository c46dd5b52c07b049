//! The tokens that are one sign: brackets, `-`, `?`, `:`, `,`, `---`, `...`, and the end.

use super::{Scanner, SimpleKey};
use crate::yaml::problem::Problem;
use crate::yaml::token::TokenKind;

impl Scanner<'_> {
    pub(super) fn scan_end(&mut self) -> Result<(), Problem> {
        self.cursor.end_line();
        self.close_blocks(None);
        self.forget_key()?;
        self.key_allowed = false;
        self.push(TokenKind::StreamEnd, self.cursor.here());
        Ok(())
    }

    pub(super) fn scan_document_indicator(&mut self, kind: TokenKind) -> Result<(), Problem> {
        self.close_blocks(None);
        self.forget_key()?;
        self.key_allowed = false;
        self.sign(3, kind);
        Ok(())
    }

    pub(super) fn scan_opening(&mut self, kind: TokenKind) -> Result<(), Problem> {
        self.expect_key()?;
        let token = self.taken + self.tokens.len();
        self.keys.push(SimpleKey {
            token,
            at: self.cursor.here(),
            ..SimpleKey::default()
        });
        self.flow_level += 1;
        self.key_allowed = true;
        self.sign(1, kind);
        Ok(())
    }

    pub(super) fn scan_closing(&mut self, kind: TokenKind) -> Result<(), Problem> {
        self.forget_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            if let Some(key) = self.keys.pop() {
                // Where nothing stood between the brackets, this is the number of the opening one: Go then no longer
                // waits whether the brackets are a key.
                self.key_of_token.remove(&key.token);
            }
        }
        self.key_allowed = false;
        self.sign(1, kind);
        Ok(())
    }

    pub(super) fn scan_flow_entry(&mut self) -> Result<(), Problem> {
        self.forget_key()?;
        self.key_allowed = true;
        self.sign(1, TokenKind::FlowEntry);
        Ok(())
    }

    pub(super) fn scan_block_entry(&mut self) -> Result<(), Problem> {
        let at = self.cursor.here();
        if self.flow_level == 0 {
            if !self.key_allowed {
                return Err(
                    self.problem("block sequence entries are not allowed in this context", at)
                );
            }
            self.open_block(at.column, None, TokenKind::BlockListStart, at);
        }
        self.forget_key()?;
        self.key_allowed = true;
        self.sign(1, TokenKind::BlockEntry);
        Ok(())
    }

    pub(super) fn scan_key(&mut self) -> Result<(), Problem> {
        let at = self.cursor.here();
        if self.flow_level == 0 {
            if !self.key_allowed {
                return Err(self.problem("mapping keys are not allowed in this context", at));
            }
            self.open_block(at.column, None, TokenKind::BlockMapStart, at);
        }
        self.forget_key()?;
        self.key_allowed = self.flow_level == 0;
        self.sign(1, TokenKind::Key);
        Ok(())
    }

    pub(super) fn scan_value(&mut self) -> Result<(), Problem> {
        let level = self.keys.len().saturating_sub(1);
        let possible = self.is_possible(level)?;
        if let Some(key) = self.keys.get_mut(level).filter(|_| possible) {
            key.possible = false;
            let SimpleKey { token, at, .. } = *key;
            self.insert(token, TokenKind::Key, at);
            self.open_block(at.column, Some(token), TokenKind::BlockMapStart, at);
            self.key_of_token.remove(&token);
            self.key_allowed = false;
        } else {
            let at = self.cursor.here();
            if self.flow_level == 0 {
                if !self.key_allowed {
                    return Err(self.problem("mapping values are not allowed in this context", at));
                }
                self.open_block(at.column, None, TokenKind::BlockMapStart, at);
            }
            self.key_allowed = self.flow_level == 0;
        }
        self.sign(1, TokenKind::Value);
        Ok(())
    }

    /// Consumes a sign and makes it a token.
    fn sign(&mut self, length: usize, kind: TokenKind) {
        let start = self.cursor.here();
        for _ in 0..length {
            self.cursor.skip();
        }
        self.push(kind, start);
    }
}
