//! What an operator's levels mean.

use maud::{Markup, html};

use super::super::{standing::Operator, words};

/// Two questions, two answers, each in words.
pub(super) fn verdicts(operator: &Operator) -> Markup {
    let word = operator.word;
    if word.binding() == 0 {
        return html! {};
    }
    let was = if operator.standing.is_live() {
        ""
    } else {
        " (when last granted)"
    };
    let (binding, custody, tcb) = (
        words::binding(word.binding()),
        words::custody(word.custody()),
        words::tcb(word.tcb()),
    );
    let key = if word.flags() & 1 == 1 {
        (
            "In the TD",
            "The reviewed workload keeps the operator's key inside the TD.",
        )
    } else {
        (
            "Not in the TD",
            "Nothing says that the operator's key stays inside the TD.",
        )
    };
    let cards = [
        (
            "One machine, reviewed workload?",
            "Binding",
            binding,
            Some((word.binding(), 3)),
        ),
        ("In a data center?", "Custody", custody, Some((word.custody(), 2))),
        ("Patched?", "TCB", tcb, None),
        ("Where is its key?", "Key", key, None),
    ];
    html! {
        ul.verdicts {
            @for (question, name, (level, text), steps) in cards {
                li {
                    p.question { (question) }
                    p.level {
                        span.hidden { (name) ": " } (level)
                        @if let Some((reached, of)) = steps {
                            span.pips aria-hidden="true" {
                                @for i in 1..=of { span.pip.on[i <= reached] {} }
                            }
                            span.hidden { ", level " (reached) " of " (of) }
                        }
                    }
                    p.text { (text) (was) }
                }
            }
        }
    }
}
