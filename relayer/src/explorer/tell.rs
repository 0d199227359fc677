//! Tells operators of changes of their status, where they have asked to be told ([`crate::webhook`]).

use alloy::primitives::Address;
use serde_json::json;

use super::{
    Explorer,
    book::Book,
    change::{Change, Changed},
};
use crate::{Error, webhook::Message};

impl Explorer {
    /// Has messages about all changes since the last time kept for sending. The first time, it only notes where the log
    /// stands: what is old is no news.
    ///
    /// # Errors
    /// Of the database.
    pub async fn tell(&self) -> Result<bool, Error> {
        let told = self.0.store.last_told().await?;
        let last = self.read(|book, _| Ok(book.changes.back().map(|change| change.id.clone())));
        // While the log is being read, nothing is known.
        if last
            .ok()
            .flatten()
            .is_none_or(|last| told.as_ref() == Some(&last))
        {
            return Ok(false);
        }
        let listeners = self.0.store.webhook_operators().await?;
        let news = self.read(|book, _| {
            let Some(last) = book.changes.back().map(|change| change.id.clone()) else {
                return Ok(None);
            };
            let after = told.as_deref().and_then(|told| book.changes_after(told));
            let messages = after.into_iter().flatten().flat_map(|change| {
                let concerned = concerned(book, change, &listeners);
                concerned
                    .into_iter()
                    .map(|operator| (operator, message(operator, change)))
            });
            Ok(Some((last, messages.collect::<Vec<_>>())))
        });
        // While the log is being read, nothing is known.
        let Ok(Some((last, messages))) = news else {
            return Ok(false);
        };
        if told.as_ref() == Some(&last) {
            return Ok(false);
        }
        self.0.store.tell(told.as_deref(), &last, &messages).await
    }
}

/// Whom a change concerns, of those who listen.
fn concerned(book: &Book, change: &Change, listeners: &[Address]) -> Vec<Address> {
    let state = book.history.state();
    let is_concerned = |operator: &&Address| match change.what {
        Changed::Operator(whose) => whose == **operator,
        Changed::Platform(id) => state.platform_id(state.operator(**operator).platform()) == Some(id),
        Changed::Registry => change.is_switch(),
    };
    listeners.iter().filter(is_concerned).copied().collect()
}

fn message(operator: Address, change: &Change) -> Message {
    Message::new(json!({
        "event": "status",
        "operator": operator,
        "change": change.id,
        "kind": change.kind,
        "title": change.title,
        "text": change.text,
        "time": change.time,
        "block": change.block,
        "transaction": change.transaction,
    }))
}
