//! The same lists as the pages', for programs. `None`: the log is still being read.

use alloy::primitives::{Address, B256};
use serde_json::{Value, json};

use super::{
    Explorer,
    book::Book,
    change::{Change, ChangeId, Changed},
    moment::Moment,
    standing::{Operator, Standing},
};
use crate::{registry::status_name, replay::PlatformWord};

impl Explorer {
    /// Changes after one, the oldest first: everybody's, or those that concern an operator.
    pub(crate) fn changes_after(
        &self,
        after: Option<ChangeId>,
        operator: Option<Address>,
        limit: usize,
    ) -> Option<Value> {
        self.listed(|book, _| changes_after(book, after, operator, limit))
    }

    /// Operators after an address, as they are now.
    pub(crate) fn operators_after(
        &self,
        after: Option<Address>,
        standing: Option<Standing>,
        limit: usize,
    ) -> Option<Value> {
        self.listed(|book, moment| {
            let all = self.everybody(book, moment);
            let start = after.map_or(0, |after| all.partition_point(|o| o.address <= after));
            let rest = all.iter().skip(start);
            let mut rest = rest.filter(|o| standing.is_none_or(|standing| standing == o.standing));
            let page: Vec<_> = rest.by_ref().take(limit).collect();
            json!({
                "next": page.last().map(|o| o.address).or(after),
                "operators": page.into_iter().map(operator_json).collect::<Vec<_>>(),
                "hasMore": rest.next().is_some(),
                "time": moment.now,
            })
        })
    }

    /// Platforms after an id, as the log has them.
    pub(crate) fn platforms_after(&self, after: Option<B256>, limit: usize) -> Option<Value> {
        self.listed(|book, _| {
            let mut ids = book.history.platforms_after(after).map(|(id, _)| id);
            let page: Vec<_> = ids.by_ref().take(limit).collect();
            let word = |id| book.history.state().platform(id).map(|platform| platform.word);
            let platforms = page
                .iter()
                .map(|id| platform_json(*id, word(*id).unwrap_or_default()));
            json!({
                "platforms": platforms.collect::<Vec<_>>(),
                "next": page.last().copied().or(after),
                "hasMore": ids.next().is_some(),
            })
        })
    }

    /// Batches after a number.
    pub(crate) fn batches_after(&self, after: Option<u64>, limit: usize) -> Option<Value> {
        self.listed(|book, _| {
            let start = after.map_or(0, |after| after.saturating_add(1));
            let start = usize::try_from(start).unwrap_or(usize::MAX);
            let mut rest = book.history.batches().iter().skip(start);
            let page: Vec<_> = rest.by_ref().take(limit).collect();
            let batches = page.iter().map(|batch| {
                let mut batch_json = json!(batch);
                batch_json["signers"] = json!(book.history.signers(batch));
                batch_json
            });
            json!({
                "batches": batches.collect::<Vec<_>>(),
                "next": page.last().map(|batch| batch.number).or(after),
                "hasMore": rest.next().is_some(),
            })
        })
    }

    /// A list, with the finalized block that it is of.
    fn listed(&self, list: impl FnOnce(&Book, &Moment) -> Value) -> Option<Value> {
        let listed = self.read(|book, moment| {
            let mut list = list(book, moment);
            list["finalized"] = json!({
                "number": moment.block,
                "hash": book.block.map(|block| block.hash),
                "head": book.history.state().head(),
            });
            Ok(list)
        });
        listed.ok()
    }
}

fn changes_after(book: &Book, after: Option<ChangeId>, operator: Option<Address>, limit: usize) -> Value {
    let from = after.unwrap_or(ChangeId::FIRST);
    let is_about = |change: &&Change| operator.is_none_or(|who| book.concerns(change, who));
    let mut changes = book.news.after(from).filter(is_about);
    let page: Vec<_> = changes.by_ref().take(limit).collect();
    let has_more = changes.next().is_some();
    let next = if has_more {
        page.last().map(|change| change.id).or(after)
    } else {
        // All were looked at, others' too: whoever goes on from there is told of no gap among those.
        book.news.last().map(|change| change.id).max(after)
    };
    json!({
        "changes": page.into_iter().map(change_json).collect::<Vec<_>>(),
        "next": next,
        "hasMore": has_more,
        "hasGap": book.news.has_dropped_since(from),
    })
}

fn change_json(change: &Change) -> Value {
    json!({
        "id": change.id,
        "time": change.time,
        "kind": change.kind,
        "title": change.title,
        "text": change.text,
        "operator": match change.what { Changed::Operator(who) => Some(who), _ => None },
        "platformId": match change.what { Changed::Platform(id) => Some(id), _ => None },
        "blockNumber": change.block,
        "transaction": change.transaction,
        "batch": change.batch,
    })
}

fn operator_json(operator: &Operator) -> Value {
    let word = operator.word;
    json!({
        "operator": operator.address,
        "isAttested": operator.standing == Standing::Attested,
        "standing": operator.standing.slug(),
        "binding": word.binding(),
        "custody": word.custody(),
        "tcb": word.tcb(),
        "flags": word.flags(),
        "provider": word.provider(),
        "platformId": operator.platform,
        "workloadId": operator.workload,
        "expiry": operator.expiry,
        "attestedSince": word.since(),
    })
}

fn platform_json(id: B256, word: PlatformWord) -> Value {
    json!({
        "platformId": id,
        "status": status_name(word.status()),
        "provider": word.provider(),
        "custody": word.custody(),
        "custodyExpiry": word.custody_expiry(),
        "operatorCount": word.count(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_about_one_operator_and_keeps_up_is_told_of_no_gap() {
        let (one, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let mut book = Book::new(Address::ZERO);
        let expired = |who, time| Change::expired(who, time);
        for time in 1..=4 {
            book.news.push(expired(one, time));
        }
        let ask = |book: &Book, after: Option<ChangeId>| changes_after(book, after, Some(one), 3);
        let page = ask(&book, None);
        assert_eq!(
            page["next"],
            json!(expired(one, 3).id),
            "a full page ends where it ends"
        );
        assert_eq!(page["hasMore"], json!(true));
        book.news.push(expired(other, 5));
        let page = ask(&book, Some(expired(one, 3).id));
        assert_eq!(page["changes"].as_array().unwrap().len(), 1);
        assert_eq!(
            page["next"],
            json!(expired(other, 5).id),
            "others' were looked at"
        );
        // The operator's own are not kept any more; those since are.
        for time in 6..=5_005 {
            book.news.push(expired(other, time));
        }
        assert_eq!(ask(&book, Some(expired(other, 5).id))["hasGap"], json!(false));
        let late = ask(&book, Some(expired(one, 4).id));
        assert_eq!(late["hasGap"], json!(true));
        let next = expired(other, 5_005).id;
        assert_eq!(late["next"], json!(next), "and is past it");
        assert_eq!(ask(&book, Some(next))["hasGap"], json!(false));
        let ahead = Some(expired(one, 9_000).id);
        assert_eq!(ask(&book, ahead)["next"], json!(ahead), "never back");
    }
}
