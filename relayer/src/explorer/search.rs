//! `/search`: from an address, a digest or a number to its page.

use alloy::primitives::{Address, B256};
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse, Redirect, Response},
};
use maud::html;
use serde::Deserialize;

use super::{Explorer, book::Named, page::Page, trouble::Trouble};

/// Longest question that is shown back.
const LONGEST: usize = 200;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
}

pub(super) async fn search(
    State(explorer): State<Explorer>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let question = query.map(|Query(asked)| asked.q).unwrap_or_default();
    let question: String = question.trim().chars().take(LONGEST).collect();
    match explorer.find(&question).await {
        Ok(Some(path)) => Redirect::to(&path).into_response(),
        Ok(None) => explorer.answer(Ok(nothing(&question))),
        Err(trouble) => explorer.answer_trouble(trouble),
    }
}

impl Explorer {
    async fn find(&self, question: &str) -> Result<Option<String>, Trouble> {
        if let Ok(address) = question.parse::<Address>() {
            let is_relayer = self.read(|book, _| {
                Ok(book.history.operator(address).is_none() && book.history.relayer(address).is_some())
            })?;
            return Ok(Some(if is_relayer {
                format!("/relayers#{address}")
            } else {
                format!("/operators/{address}")
            }));
        }
        if let Ok(number) = question.trim_start_matches('#').parse::<u64>() {
            let is_known = self.read(|book, _| Ok(book.history.batch(number).is_some()))?;
            return Ok(is_known.then(|| format!("/batches/{number}")));
        }
        match question.parse::<B256>() {
            Ok(word) => self.find_word(word).await,
            Err(_) => Ok(None),
        }
    }

    /// A platform, a digest, a transaction, or what else of 32 bytes leads somewhere.
    async fn find_word(&self, word: B256) -> Result<Option<String>, Trouble> {
        let in_history = self.read(|book, _| {
            if book.history.platform(word).is_some() {
                return Ok(Some(format!("/platforms/{word}")));
            }
            Ok(book.names.get(&word).map(|named| match named {
                Named::Batch(number) => format!("/batches/{number}"),
                Named::Operator(operator) => format!("/operators/{operator}"),
            }))
        })?;
        if in_history.is_some() {
            return Ok(in_history);
        }
        let block = self.read(|_, moment| Ok(moment.block))?;
        if let Some(batch) = self.0.store.batch_of_digest(word, block).await? {
            return Ok(Some(format!("/batches/{batch}#leaf-{word}")));
        }
        let bundle = self.0.store.bundle(word).await?;
        Ok(bundle.map(|bundle| format!("/operators/{}#checks", bundle.operator)))
    }
}

fn nothing(question: &str) -> Page {
    let main = html! {
        section.lead aria-labelledby="title" {
            h1 #title { "Nothing found" }
            @if question.is_empty() {
                p.big { "Type an operator's or relayer's address, a platform's id, a digest, a transaction, or a batch's number." }
            } @else {
                p.big { "Nothing in the registry's log is named " code.full { (question) } "." }
                p { "An address has 0x and 40 hex digits, a platform or a digest 0x and 64; a batch has a number." }
            }
        }
    };
    Page::plain("Search", main)
}
