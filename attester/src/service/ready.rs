//! Whether the registry attests the operator now, for whoever runs on this node.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use alloy_primitives::Address;
use serde_json::{Value, json};

use crate::{Standing, file};

/// The answer, and a file that is there only while it is yes.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    operator: Address,
    path: Option<PathBuf>,
    answer: Arc<Mutex<(bool, Value)>>,
}

impl Ready {
    /// Not known yet: no.
    pub(super) fn new(operator: Address, path: Option<PathBuf>) -> Self {
        let ready = Self {
            operator,
            path,
            answer: Arc::default(),
        };
        ready.set(false, json!({"operator": operator, "isAttested": false}));
        ready
    }

    pub(super) fn learn(&self, standing: &Standing) {
        let mut json = json!(standing);
        json["operator"] = json!(self.operator);
        self.set(standing.is_attested, json);
    }

    /// The chain has not been heard of since the attestation's end.
    pub(super) fn doubt(&self) {
        self.set(
            false,
            json!({"operator": self.operator, "isAttested": false, "reason": "the chain does not answer"}),
        );
    }

    /// Whether, and what is known.
    pub(super) fn answer(&self) -> (bool, Value) {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, is_ready: bool, json: Value) {
        let written = match &self.path {
            Some(path) if is_ready => file::replace(path, format!("{json}\n").as_bytes()),
            Some(path) => file::remove(path),
            None => Ok(()),
        };
        if let (Err(error), Some(path)) = (written, &self.path) {
            tracing::error!("the readiness file {} is not up to date: {error}", path.display());
        }
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = (is_ready, json);
    }
}

impl Drop for Ready {
    /// Nobody keeps it up to date any more.
    fn drop(&mut self) {
        // The listener's copy has no path.
        if let Some(path) = &self.path {
            let _ = file::remove(path);
        }
    }
}

impl Ready {
    /// A copy that only answers.
    pub(super) fn reader(&self) -> Self {
        Self {
            operator: self.operator,
            path: None,
            answer: Arc::clone(&self.answer),
        }
    }
}
