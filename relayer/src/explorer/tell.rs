//! Tells operators of changes of their status, where they have asked to be told ([`crate::webhook`]).

use alloy::primitives::Address;
use serde_json::json;

use super::{
    Explorer,
    book::Book,
    change::{Change, ChangeId},
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
        // While the log is being read, nothing is known.
        let Ok(Some(last)) = self.read(|book, _| Ok(book.news.last().map(|change| change.id))) else {
            return Ok(false);
        };
        let before = told.as_deref().and_then(|told| told.parse::<ChangeId>().ok());
        // Another replica may be ahead.
        if before.is_some_and(|before| before >= last) {
            return Ok(false);
        }
        let listeners = self.0.store.webhook_operators().await?;
        let Ok(messages) = self.read(|book, _| {
            let after = before
                .into_iter()
                .flat_map(|before| news(book, before, last, &listeners));
            Ok(after.collect::<Vec<_>>())
        }) else {
            return Ok(false);
        };
        let last = last.to_string();
        self.0.store.tell(told.as_deref(), &last, &messages).await
    }
}

/// What listeners are told of what came after one change, up to another.
fn news<'a>(
    book: &'a Book,
    before: ChangeId,
    last: ChangeId,
    listeners: &'a [Address],
) -> impl Iterator<Item = (Address, Message)> + 'a {
    let gap = book.news.has_dropped_since(before).then_some(listeners);
    let gap = gap
        .into_iter()
        .flatten()
        .map(move |listener| (*listener, gap_message(*listener, before)));
    let changes = book
        .news
        .after(before)
        .take_while(move |change| change.id <= last);
    let changes = changes.flat_map(move |change| {
        let concerned = listeners
            .iter()
            .filter(|listener| book.concerns(change, **listener));
        concerned.map(move |operator| (*operator, message(*operator, change)))
    });
    gap.chain(changes)
}

/// Nothing is lost in silence.
fn gap_message(operator: Address, since: ChangeId) -> Message {
    Message::new(json!({
        "event": "gap",
        "operator": operator,
        "since": since,
        "text": "More has changed since then than this relayer keeps for messages. Read the operator's page, or its events.",
    }))
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const ONE: Address = Address::repeat_byte(1);
    const TWO: Address = Address::repeat_byte(2);

    /// Every second change is the first listener's, the others are a stranger's.
    fn expired(time: u64) -> Change {
        let whose = if time % 2 == 1 {
            ONE
        } else {
            Address::repeat_byte(9)
        };
        Change::expired(whose, time)
    }

    fn told(book: &Book, before: u64, last: u64) -> Vec<(Address, Value)> {
        let messages = news(book, expired(before).id, expired(last).id, &[ONE, TWO]);
        let read = |(operator, message): (Address, Message)| {
            let body = serde_json::from_str(&message.body).unwrap();
            (operator, body)
        };
        messages.map(read).collect()
    }

    #[test]
    fn each_is_told_its_own_and_of_what_is_not_kept_any_more() {
        let mut book = Book::new(Address::ZERO);
        for time in 1..=5_010 {
            book.news.push(expired(time));
        }
        let [(whose, message)] = &told(&book, 5_000, 5_002)[..] else {
            panic!("one change of one listener's");
        };
        assert_eq!((*whose, &message["event"]), (ONE, &json!("status")));
        assert_eq!(
            (&message["kind"], &message["time"]),
            (&json!("expired"), &json!(5_001))
        );
        // The first ten are gone.
        let events = |before| {
            let told = told(&book, before, 12).into_iter();
            told.map(|(whose, message)| (whose, message["event"].clone()))
                .collect::<Vec<_>>()
        };
        let own = (ONE, json!("status"));
        assert_eq!(
            events(10),
            std::slice::from_ref(&own),
            "who knows the last of them misses nothing"
        );
        assert_eq!(events(9), [(ONE, json!("gap")), (TWO, json!("gap")), own]);
    }
}
