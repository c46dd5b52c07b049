//! Transactions: the journal, replacing files so that a crash leaves no mixture, undoing.
