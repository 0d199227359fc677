//! Why there is no page, as a page.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};

use super::{Explorer, page::Page};
use crate::Error;

/// Why there is no page.
#[derive(Debug)]
pub(super) enum Trouble {
    /// There is no such thing.
    NotFound(String),
    /// The address asks for nothing that can be answered.
    BadRequest(String),
    /// Not now.
    Unavailable(String),
    /// Something is away, or wrong.
    Error(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Trouble {
    fn told(self) -> (StatusCode, &'static str, String) {
        match self {
            Self::NotFound(what) => (StatusCode::NOT_FOUND, "Not found", what),
            Self::BadRequest(what) => (StatusCode::BAD_REQUEST, "Not a question", what),
            Self::Unavailable(what) => (StatusCode::SERVICE_UNAVAILABLE, "Not ready", what),
            Self::Error(error) => {
                tracing::warn!(code = error.code(), %error, "no page");
                let what = format!("{} cannot be reached. Try again later.", error.topic());
                (StatusCode::SERVICE_UNAVAILABLE, "Something is away", what)
            }
        }
    }
}

impl Explorer {
    /// The page, or why there is none.
    pub(super) fn answer(&self, page: Result<Page, Trouble>) -> Response {
        match page {
            Ok(page) => self.render(page).into_response(),
            Err(trouble) => self.answer_trouble(trouble),
        }
    }

    pub(super) fn answer_trouble(&self, trouble: Trouble) -> Response {
        let (status, title, what) = trouble.told();
        let page = Page::plain(title, explained(title, &what));
        let retry = (status == StatusCode::SERVICE_UNAVAILABLE).then_some([(header::RETRY_AFTER, "10")]);
        (status, retry, self.render(page)).into_response()
    }
}

fn explained(title: &str, what: &str) -> Markup {
    html! {
        section.lead {
            h1 { (title) }
            p.big { (what) }
            p { a href="/" { "Go to the overview" } }
        }
    }
}
