//! The report as one page: no other file, no script, fit to print. `maud` escapes every value.

use maud::{DOCTYPE, Markup, html};

use super::facts::{Facts, Group};
use crate::render::{date, printable};

const STYLE: &str = "
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 2rem }
caption { text-align: left; color: GrayText; padding-bottom: .3rem }
th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); vertical-align: top }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
code { font: 12px/1.4 ui-monospace, monospace; overflow-wrap: anywhere }
.bad { font-weight: 600 }
@media print { body { max-width: none; margin: 0 } tr { break-inside: avoid } h2 { break-after: avoid } }
";

pub(super) fn page(facts: &Facts) -> String {
    let (from, to) = (date(facts.period.from), date(facts.period.to));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Proof-of-Cloud registry, " (from) " to " (to) }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                h1 { "Proof-of-Cloud registry" }
                p {
                    "From " (from) " to " (to) ", the end not included. Registry " code { (facts.registry) }
                    " on chain " (facts.chain_id) ", rebuilt from its log up to block " (facts.block)
                    " and compared with the registry there. " (facts.batches) " batches were posted."
                }
                (coverage(facts))
                (incidents(facts))
                (concentration(facts))
                (relayers(facts))
                (shared(facts))
            }
        }
    };
    page.into_string() + "\n"
}

fn coverage(facts: &Facts) -> Markup {
    html! {
        h2 { "Coverage" }
        table {
            caption { "For how much of the period each operator was attested, as isAttested(operator) asks, since its first grant. Pauses and providers' freezes count against it; a gap is a time without a live lane." }
            thead { tr { th scope="col" { "Operator" } th.n scope="col" { "Attested" } th.n scope="col" { "of" } th.n scope="col" { "Share" } th.n scope="col" { "Gaps" } th scope="col" { "At the end" } } }
            tbody {
                @for c in &facts.coverage {
                    tr {
                        td { code { (c.operator) } }
                        td.n { (hours(c.attested)) }
                        td.n { (hours(c.possible)) }
                        td.n { (percent(c.attested, c.possible)) }
                        td.n { (c.gaps) }
                        td class=[(!c.is_attested).then_some("bad")] { (if c.is_attested { "attested" } else { "not attested" }) }
                    }
                }
            }
        }
    }
}

fn incidents(facts: &Facts) -> Markup {
    html! {
        h2 { "Incidents" }
        @if facts.incidents.is_empty() { p { "None." } } @else {
            table {
                caption { "Freezes, revocations, pauses, disabled relayers, retired policies, and attestations that ran out. Reasons are the actors' own numbers; relayers name the verifier's check." }
                thead { tr { th scope="col" { "Time" } th scope="col" { "Subject" } th scope="col" { "What" } } }
                tbody {
                    @for i in &facts.incidents {
                        tr { td { (date(i.time)) } td { code { (i.subject) } } td { (i.what) } }
                    }
                }
            }
        }
    }
}

fn concentration(facts: &Facts) -> Markup {
    let tables = [
        ("platform", "By platform"),
        ("provider", "By provider"),
        ("zone", "By zone"),
    ];
    html! {
        h2 { "Concentration" }
        @for (by, caption) in tables {
            @let groups: Vec<&Group> = facts.concentration.iter().filter(|group| group.by == by).collect();
            @if !groups.is_empty() {
                table {
                    caption { (caption) ": operators attested at the end of the period." }
                    thead { tr { th scope="col" { "Name" } th.n scope="col" { "Operators" } th.n scope="col" { "Share" } } }
                    tbody {
                        @for group in groups {
                            tr {
                                td { code { (printable(&group.name)) } }
                                td.n { (group.operators) }
                                td.n { (group.per_mille / 10) "." (group.per_mille % 10) " %" }
                            }
                        }
                    }
                }
            } @else if by == "zone" {
                p { "Zones are not on chain; no archive told any." }
            }
        }
    }
}

fn relayers(facts: &Facts) -> Markup {
    html! {
        h2 { "Relayers" }
        table {
            caption { "Batches signed, of those that its set posted while its signature counted. A quorum needs no more than its threshold, so less than all is normal." }
            thead { tr { th scope="col" { "Relayer" } th.n scope="col" { "Signed" } th.n scope="col" { "of" } th.n scope="col" { "Share" } th scope="col" { "At the end" } } }
            tbody {
                @for r in &facts.relayers {
                    tr {
                        td { code { (r.relayer) } }
                        td.n { (r.signed) }
                        td.n { (r.possible) }
                        td.n { (percent(r.signed, r.possible)) }
                        td { (if r.is_in_office { "in office" } else { "not in office" }) }
                    }
                }
            }
        }
    }
}

fn shared(facts: &Facts) -> Markup {
    html! {
        h2 { "Shared platforms" }
        @if facts.shared.is_empty() { p { "None: no two owners were attested on one platform at the same time." } } @else {
            table {
                caption { "Platforms on which more than one owner was attested at the same time. Machines in one place fail together." }
                thead { tr { th scope="col" { "Platform" } th scope="col" { "Owners" } } }
                tbody {
                    @for s in &facts.shared {
                        tr {
                            td { code { (s.platform) } }
                            td { @for owner in &s.owners { div { (printable(owner)) } } }
                        }
                    }
                }
            }
        }
    }
}

fn hours(seconds: u64) -> String {
    format!("{}:{:02} h", seconds / 3600, seconds / 60 % 60)
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".into();
    }
    let hundredths = u128::from(part) * 10_000 / u128::from(whole);
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}
