//! What is written down before a signature leaves, and signatures.

use alloy::primitives::{Address, B256};
use sqlx::Row as _;

use super::{
    super::{Connection, Signing, Store, bundles},
    NewItem, NewReport, signed,
};
use crate::Error;

/// For how long a proposer that has held a bundle does not hold it again, seconds. A report lives as long.
const HOLD_AGAIN: u64 = 3600;

/// How often a record is taken again that the database ended for others' sake.
const MOST_DEADLOCKS: u32 = 3;

impl Store {
    /// Writes down what is about to be signed, its signature with it, and takes the bundles along: those of another
    /// proposer once in `HOLD_AGAIN`, so that nobody can keep a bundle from others' reports by asking again and again. All
    /// or nothing; when it returns, it is on disk. The same report again changes nothing.
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
        .bind(new.archive.to_string())
        .bind(new.proposer.to_string())
        .bind(i64::from(new.set_id))
        .bind(signed(new.issued_at))
        .bind(signed(new.deadline))
        .bind(signed(new.now))
        .execute(&mut *all)
        .await?;
        for item in &new.items {
            record_signing(&mut all, &item.signing).await?;
            take_along(&mut all, item, new, signer).await?;
        }
        add_signature(&mut all, new.hash, signer, signature, new.now).await?;
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
        let parsed = rows.iter().map(|row| {
            let signature: alloy::primitives::FixedBytes<64> = bundles::parse(row, "signature")?;
            Ok((bundles::parse(row, "signer")?, signature.0))
        });
        Ok(parsed.collect::<Result<_, sqlx::Error>>()?)
    }
}

/// `PostgreSQL` ends one of two transactions that wait for each other.
fn is_deadlock(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code == "40P01")
}

async fn record_signing(connection: &mut Connection, signing: &Signing) -> Result<(), Error> {
    let stored = sqlx::query(
        "INSERT INTO signatures (evidence, policy, endorsements, as_of, result) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (evidence, policy, endorsements, as_of) DO UPDATE SET result = signatures.result
         WHERE signatures.result = excluded.result",
    )
    .bind(signing.evidence.to_string())
    .bind(signing.policy.to_string())
    .bind(signing.endorsements.to_string())
    .bind(signed(signing.as_of))
    .bind(signing.result.to_string())
    .execute(connection)
    .await?;
    if stored.rows_affected() == 0 {
        metrics::counter!("chassis_equivocations_refused_total").increment(1);
        return Err(Error::Equivocation {
            evidence: signing.evidence.to_string(),
        });
    }
    Ok(())
}

/// A bundle that has gone further, or has ended, stays where it is. One that waits for another's report keeps what that one
/// says of it.
async fn take_along(
    connection: &mut Connection,
    item: &NewItem,
    new: &NewReport,
    own: Address,
) -> Result<(), Error> {
    let is_own = new.proposer == own;
    let holds = is_own || !has_held(connection, item.signing.evidence, new).await?;
    if holds {
        let taken = sqlx::query(
            "INSERT INTO bundles (digest, operator, is_public, state, received_at, result, fields)
             VALUES ($1, $2, $3, 'cosigning', $4, $5, $6)
             ON CONFLICT (digest) DO UPDATE SET state = 'cosigning', result = excluded.result,
             fields = excluded.fields, reason = NULL, claimed_by = NULL, claimed_until = 0
             WHERE bundles.state IN ('received', 'appraised') OR (bundles.state = 'cosigning' AND $7 = 1)",
        )
        .bind(item.signing.evidence.to_string())
        .bind(item.operator.to_string())
        .bind(i64::from(item.is_public))
        .bind(signed(new.now))
        .bind(item.signing.result.to_string())
        .bind(&item.fields)
        .bind(i64::from(is_own))
        .execute(&mut *connection)
        .await?;
        if let (1, Some(appraisal)) = (taken.rows_affected(), &item.appraisal) {
            bundles::keep_appraisals(connection, &[(item.signing.evidence, appraisal)]).await?;
        }
    }
    sqlx::query(
        "INSERT INTO cosign_items (report, evidence, result, fields, holds) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
    )
    .bind(new.hash.to_string())
    .bind(item.signing.evidence.to_string())
    .bind(item.signing.result.to_string())
    .bind(&item.fields)
    .bind(i64::from(holds))
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether another report of the same proposer's has held a bundle lately.
async fn has_held(connection: &mut Connection, evidence: B256, new: &NewReport) -> Result<bool, Error> {
    let row = sqlx::query(
        "SELECT COUNT(*) FROM cosign_items i JOIN cosign_reports r ON r.hash = i.report
         WHERE i.evidence = $1 AND i.holds = 1 AND r.proposer = $2 AND r.hash <> $3 AND r.recorded_at > $4",
    )
    .bind(evidence.to_string())
    .bind(new.proposer.to_string())
    .bind(new.hash.to_string())
    .bind(signed(new.now.saturating_sub(HOLD_AGAIN)))
    .fetch_one(connection)
    .await?;
    Ok(row.try_get::<i64, _>(0)? > 0)
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
