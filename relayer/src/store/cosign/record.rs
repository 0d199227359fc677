//! What is written down before a signature leaves, and signatures.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256};

use super::{
    super::{
        Connection, Row, State, Store,
        row::{parse, row_to_signature},
        signed,
        sql::{AT_ONCE, insert_rows, numbered, statement},
    },
    NewItem, NewReport,
};
use crate::Error;

/// For how long a proposer that has held a bundle does not hold it again, seconds. A report lives as long.
const HOLD_AGAIN: u64 = 3600;

/// How often a record is taken again that the database ended for others' sake.
const MOST_DEADLOCKS: u32 = 3;

impl Store {
    /// Writes down what is about to be signed, its signature with it, and takes the bundles along: those of another
    /// proposer once in `HOLD_AGAIN`, so that nobody can keep a bundle from others' reports by asking again and again. All
    /// or nothing; when it returns, it is on disk.
    ///
    /// The same report again changes nothing, unless it was done with and its bundles have come back: a report is a function
    /// of a block and of what it carries, so until the next block is final the same is made again. Then it is open again.
    ///
    /// # Errors
    /// [`Error::Equivocation`] if another result was signed under the same name; else of the database.
    pub async fn record_report(
        &self,
        new: &NewReport,
        signer: Address,
        signature: &[u8; 64],
    ) -> Result<(), Error> {
        let mut tries = 0;
        loop {
            match self.try_to_record(new, signer, signature).await {
                // A peer waits for this, and another replica's step waited for the same rows in another order.
                Err(Error::Store(error)) if is_deadlock(&error) && tries < MOST_DEADLOCKS => tries += 1,
                done => return done,
            }
        }
    }

    async fn try_to_record(
        &self,
        new: &NewReport,
        signer: Address,
        signature: &[u8; 64],
    ) -> Result<(), Error> {
        let mut all = self.begin().await?;
        sqlx::query(
            "INSERT INTO cosign_reports
             (hash, report, archive, proposer, set_id, issued_at, deadline, recorded_at, is_open)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1) ON CONFLICT (hash) DO NOTHING",
        )
        .bind(new.hash.to_string())
        .bind(hex::encode(&new.report))
        .bind(new.manifest.to_string())
        .bind(new.proposer.to_string())
        .bind(i64::from(new.set_id))
        .bind(signed(new.issued_at))
        .bind(signed(new.deadline))
        .bind(signed(new.now))
        .execute(&mut *all)
        .await?;
        let mut takes_any = false;
        for items in new.items.chunks(AT_ONCE) {
            record_signings(&mut all, items).await?;
            let held = held_before(&mut all, new, signer, items).await?;
            let holds = |item: &NewItem| !held.contains(&item.signing.evidence);
            takes_any |= take_along(&mut all, new, signer, items.iter().filter(|item| holds(item))).await?;
            list(&mut all, new, items, holds).await?;
        }
        if takes_any {
            open_again(&mut all, new).await?;
        }
        add_signature(&mut all, new.hash, signer, signature, new.now).await?;
        if let Some(theirs) = &new.proposers_signature {
            add_signature(&mut all, new.hash, new.proposer, theirs, new.now).await?;
        }
        all.commit().await?;
        Ok(())
    }

    /// Keeps a verified signature under a report.
    ///
    /// # Errors
    /// Of the database.
    pub async fn keep_signature(
        &self,
        report: B256,
        signer: Address,
        signature: &[u8; 64],
        now: u64,
    ) -> Result<(), Error> {
        let mut connection = self.writer.acquire().await?;
        add_signature(&mut connection, report, signer, signature, now).await?;
        Ok(())
    }

    /// All signatures under a report.
    ///
    /// # Errors
    /// Of the database.
    pub async fn signatures_under(&self, report: B256) -> Result<Vec<(Address, [u8; 64])>, Error> {
        let rows = sqlx::query("SELECT signer, signature FROM cosign_signatures WHERE report = $1")
            .bind(report.to_string())
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(row_to_signature).collect::<Result<_, _>>()?)
    }
}

/// `PostgreSQL` ends one of two transactions that wait for each other.
fn is_deadlock(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code == "40P01")
}

async fn record_signings(connection: &mut Connection, items: &[NewItem]) -> Result<(), Error> {
    let signings = items.iter().map(|NewItem { signing, .. }| {
        [
            signing.evidence.into(),
            signing.policy.into(),
            signing.endorsements.into(),
            signing.as_of.into(),
            signing.result.into(),
        ]
    });
    let query = insert_rows(
        "signatures",
        ["evidence", "policy", "endorsements", "as_of", "result"],
        signings,
        "ON CONFLICT (evidence, policy, endorsements, as_of) DO UPDATE SET result = signatures.result
         WHERE signatures.result = excluded.result RETURNING evidence",
    );
    let stored = evidence_of(&query.fetch_all(connection).await?)?;
    let evidence = items.iter().map(|item| item.signing.evidence);
    if let Some(evidence) = evidence.into_iter().find(|evidence| !stored.contains(evidence)) {
        metrics::counter!("chassis_equivocations_refused_total").increment(1);
        return Err(Error::Equivocation {
            evidence: evidence.to_string(),
        });
    }
    Ok(())
}

/// Those bundles that another report of the same proposer's has held lately, if it is not this relayer.
async fn held_before(
    connection: &mut Connection,
    new: &NewReport,
    own: Address,
    items: &[NewItem],
) -> Result<BTreeSet<B256>, Error> {
    if new.proposer == own {
        return Ok(BTreeSet::new());
    }
    let query = format!(
        "SELECT DISTINCT i.evidence FROM cosign_items i JOIN cosign_reports r ON r.hash = i.report
         WHERE i.holds = 1 AND r.proposer = $1 AND r.hash <> $2 AND r.recorded_at > $3 AND i.evidence IN ({})",
        numbered(4, items.len())
    );
    let mut query = statement(query, items.len())
        .bind(new.proposer.to_string())
        .bind(new.hash.to_string())
        .bind(signed(new.now.saturating_sub(HOLD_AGAIN)));
    for item in items {
        query = query.bind(item.signing.evidence.to_string());
    }
    evidence_of(&query.fetch_all(connection).await?)
}

/// A report that was done with, and for which bundles wait once more.
async fn open_again(connection: &mut Connection, new: &NewReport) -> Result<(), Error> {
    sqlx::query(
        "UPDATE cosign_reports SET is_open = 1, shown_at = NULL, recorded_at = $2 WHERE hash = $1 AND is_open = 0",
    )
    .bind(new.hash.to_string())
    .bind(signed(new.now))
    .execute(connection)
    .await?;
    Ok(())
}

/// A bundle that has gone further, or has ended, stays where it is. One that waits for another's report keeps what that one
/// says of it. Returns whether any waits for this report now.
async fn take_along<'a>(
    connection: &mut Connection,
    new: &NewReport,
    own: Address,
    items: impl Iterator<Item = &'a NewItem>,
) -> Result<bool, Error> {
    let items: Vec<_> = items.collect();
    if items.is_empty() {
        return Ok(false);
    }
    let bundles = items.iter().map(|item| {
        [
            item.signing.evidence.into(),
            item.operator.into(),
            item.is_public.into(),
            State::Cosigning.name().into(),
            new.now.into(),
            item.signing.result.into(),
            item.fields.as_str().into(),
        ]
    });
    let taken = if new.proposer == own {
        "'received', 'appraised', 'cosigning'"
    } else {
        "'received', 'appraised'"
    };
    let query = insert_rows(
        "bundles",
        [
            "digest",
            "operator",
            "is_public",
            "state",
            "received_at",
            "result",
            "fields",
        ],
        bundles,
        &format!(
            "ON CONFLICT (digest) DO UPDATE SET state = excluded.state, result = excluded.result,
             fields = excluded.fields, reason = NULL, claimed_by = NULL, claimed_until = 0
             WHERE bundles.state IN ({taken})"
        ),
    );
    Ok(query.execute(connection).await?.rows_affected() > 0)
}

/// Lists what the report carries, and which of it waits for this report.
async fn list(
    connection: &mut Connection,
    new: &NewReport,
    items: &[NewItem],
    holds: impl Fn(&NewItem) -> bool,
) -> Result<(), Error> {
    let carried = items.iter().map(|item| {
        [
            new.hash.into(),
            item.signing.evidence.into(),
            item.signing.result.into(),
            item.fields.as_str().into(),
            holds(item).into(),
        ]
    });
    let query = insert_rows(
        "cosign_items",
        ["report", "evidence", "result", "fields", "holds"],
        carried,
        "ON CONFLICT DO NOTHING",
    );
    query.execute(connection).await?;
    Ok(())
}

fn evidence_of(rows: &[Row]) -> Result<BTreeSet<B256>, Error> {
    let evidence = rows.iter().map(|row| parse(row, "evidence"));
    Ok(evidence.collect::<Result<_, sqlx::Error>>()?)
}

async fn add_signature(
    connection: &mut Connection,
    report: B256,
    signer: Address,
    signature: &[u8; 64],
    now: u64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO cosign_signatures (report, signer, signature, received_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (report, signer) DO NOTHING",
    )
    .bind(report.to_string())
    .bind(signer.to_string())
    .bind(hex::encode(signature))
    .bind(signed(now))
    .execute(connection)
    .await?;
    Ok(())
}
