//! Reports on their way to k signatures.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256};
use sqlx::Row as _;

use super::{BundleRow, Connection, Row, Signing, Store, bundles};
use crate::Error;

/// A report that is about to be signed, with everything that must be written down first.
#[derive(Clone, Debug)]
pub struct NewReport {
    /// Its EIP-712 digest.
    pub hash: B256,
    /// ABI-encoded.
    pub report: Vec<u8>,
    /// Its manifest.
    pub archive: B256,
    /// Who proposed it.
    pub proposer: Address,
    /// The relayer set it is for.
    pub set_id: u32,
    /// Unix seconds.
    pub issued_at: u64,
    /// Unix seconds.
    pub deadline: u64,
    /// Unix seconds.
    pub now: u64,
    /// What it carries.
    pub items: Vec<NewItem>,
}

/// A bundle in such a report.
#[derive(Clone, Debug)]
pub struct NewItem {
    /// What names its appraisal, and the result.
    pub signing: Signing,
    /// Whom it is about.
    pub operator: Address,
    /// Whether everybody may see it.
    pub is_public: bool,
    /// The appraisal, JSON; `None` leaves what is stored.
    pub appraisal: Option<String>,
    /// What a grant is made of, JSON.
    pub fields: String,
}

/// A report that was signed and is not done with.
#[derive(Clone, Debug)]
pub struct OpenReport {
    /// Its EIP-712 digest.
    pub hash: B256,
    /// ABI-encoded.
    pub report: Vec<u8>,
    /// Its manifest.
    pub archive: B256,
    /// Who proposed it.
    pub proposer: Address,
    /// The relayer set it is for.
    pub set_id: u32,
    /// Unix seconds.
    pub issued_at: u64,
    /// Unix seconds.
    pub deadline: u64,
    /// Unix seconds.
    pub recorded_at: u64,
}

/// For how long a proposer that has held a bundle does not hold it again, seconds. A report lives as long.
const HOLD_AGAIN: u64 = 3600;

/// How often a record is taken again that the database ended for others' sake.
const MOST_DEADLOCKS: u32 = 3;

impl Store {
    /// Bundles fit to be attested and not put off, the newest of each operator's, so that nobody's many hide another's one.
    /// Those that were never put off come first, then those that were longest ago; of these the oldest. None whose operator
    /// has another under way: that one's effect has to be seen first.
    ///
    /// # Errors
    /// Of the database.
    pub async fn bundles_to_propose(&self, most: u32) -> Result<Vec<BundleRow>, Error> {
        let mut connection = self.pool.acquire().await?;
        let now = self.now(&mut connection).await?;
        let rows = sqlx::query(
            "SELECT * FROM bundles b WHERE b.state = 'appraised' AND b.claimed_until <= $1
             AND NOT EXISTS (
                SELECT 1 FROM bundles o WHERE o.operator = b.operator AND o.digest <> b.digest
                AND o.state IN ('cosigning', 'queued', 'posted', 'included'))
             AND NOT EXISTS (
                SELECT 1 FROM bundles o WHERE o.operator = b.operator AND o.state = 'appraised'
                AND o.claimed_until <= $1 AND (o.received_at, o.digest) > (b.received_at, b.digest))
             ORDER BY b.claimed_until, b.received_at, b.digest LIMIT $2",
        )
        .bind(now)
        .bind(i64::from(most))
        .fetch_all(&mut *connection)
        .await?;
        Ok(rows
            .iter()
            .map(bundles::row_to_bundle)
            .collect::<Result<_, _>>()?)
    }

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

    /// A report that this relayer has signed.
    ///
    /// # Errors
    /// Of the database.
    pub async fn signed_report(&self, hash: B256) -> Result<Option<OpenReport>, Error> {
        let row = sqlx::query("SELECT * FROM cosign_reports WHERE hash = $1")
            .bind(hash.to_string())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.as_ref().map(row_to_report).transpose()?)
    }

    /// Reports that the registry has not shown yet, the oldest first. How many one member has is bounded where they are
    /// signed.
    ///
    /// # Errors
    /// Of the database.
    pub async fn open_reports(&self) -> Result<Vec<OpenReport>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM cosign_reports WHERE is_open = 1 AND shown_at IS NULL ORDER BY recorded_at, hash",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(row_to_report).collect::<Result<_, _>>()?)
    }

    /// How many reports of a proposer's the registry has not shown yet.
    ///
    /// # Errors
    /// Of the database.
    pub async fn count_open(&self, proposer: Address) -> Result<i64, Error> {
        let row = sqlx::query(
            "SELECT COUNT(*) FROM cosign_reports WHERE is_open = 1 AND shown_at IS NULL AND proposer = $1",
        )
        .bind(proposer.to_string())
        .fetch_one(&self.pool)
        .await?;
        Ok(row.try_get(0)?)
    }

    /// The bundles that so many of these carry, or more.
    ///
    /// # Errors
    /// Of the database.
    pub async fn bundles_in_open(&self, proposer: Address, reports: i64) -> Result<BTreeSet<B256>, Error> {
        let rows = sqlx::query(
            "SELECT i.evidence FROM cosign_items i JOIN cosign_reports r ON r.hash = i.report
             WHERE r.is_open = 1 AND r.shown_at IS NULL AND r.proposer = $1
             GROUP BY i.evidence HAVING COUNT(*) >= $2",
        )
        .bind(proposer.to_string())
        .bind(reports)
        .fetch_all(&self.pool)
        .await?;
        let digests = rows.iter().map(|row| bundles::parse(row, "evidence"));
        Ok(digests.collect::<Result<_, _>>()?)
    }

    /// Notes that the registry shows a report as of this block, or no more.
    ///
    /// # Errors
    /// Of the database.
    pub async fn set_shown(&self, report: B256, block: Option<u64>) -> Result<(), Error> {
        let mut one = self.begin().await?;
        sqlx::query("UPDATE cosign_reports SET shown_at = $2 WHERE hash = $1 AND is_open = 1")
            .bind(report.to_string())
            .bind(block.map(signed))
            .execute(&mut *one)
            .await?;
        one.commit().await?;
        Ok(())
    }

    /// Reports that the registry has shown as of this block or one before, and those whose time (Unix seconds) is over: a
    /// block that was lied about never comes. The longest shown first.
    ///
    /// # Errors
    /// Of the database.
    pub async fn shown_reports(&self, block: u64, now: u64, most: u32) -> Result<Vec<OpenReport>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM cosign_reports WHERE is_open = 1 AND shown_at IS NOT NULL
             AND (shown_at <= $1 OR deadline < $2) ORDER BY shown_at, hash LIMIT $3",
        )
        .bind(signed(block))
        .bind(signed(now))
        .bind(i64::from(most))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(row_to_report).collect::<Result<_, _>>()?)
    }

    /// The bundles that wait for this report, with what it says of them.
    ///
    /// # Errors
    /// Of the database.
    pub async fn bundles_cosigning(&self, report: B256) -> Result<Vec<BundleRow>, Error> {
        let rows = sqlx::query(
            "SELECT b.digest, b.operator, b.is_public, b.state, b.received_at, b.tries, b.claimed_until, b.appraisal,
             b.report, b.reason,
             COALESCE(i.fields, b.fields) AS fields
             FROM bundles b JOIN cosign_items i ON i.evidence = b.digest
             WHERE i.report = $1 AND b.state = 'cosigning' ORDER BY b.digest",
        )
        .bind(report.to_string())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .iter()
            .map(bundles::row_to_bundle)
            .collect::<Result<_, _>>()?)
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

    /// Hands a report that has its signatures to the poster, with the bundles that wait for it.
    ///
    /// # Errors
    /// Of the database.
    pub async fn queue_report(&self, report: &OpenReport, calldata: &[u8]) -> Result<(), Error> {
        let mut all = self.begin().await?;
        sqlx::query(
            "INSERT INTO reports (hash, archive, issued_at, calldata) VALUES ($1, $2, $3, $4)
             ON CONFLICT (hash) DO NOTHING",
        )
        .bind(report.hash.to_string())
        .bind(report.archive.to_string())
        .bind(i64::try_from(report.issued_at).unwrap_or(i64::MAX))
        .bind(hex::encode(calldata))
        .execute(&mut *all)
        .await?;
        sqlx::query(
            "UPDATE bundles SET state = 'queued', report = $1,
             result = COALESCE((SELECT i.result FROM cosign_items i WHERE i.report = $1 AND i.evidence = digest), result),
             fields = COALESCE((SELECT i.fields FROM cosign_items i WHERE i.report = $1 AND i.evidence = digest), fields)
             WHERE state = 'cosigning' AND digest IN (SELECT evidence FROM cosign_items WHERE report = $1)",
        )
        .bind(report.hash.to_string())
        .execute(&mut *all)
        .await?;
        sqlx::query("UPDATE cosign_reports SET is_open = 0 WHERE hash = $1")
            .bind(report.hash.to_string())
            .execute(&mut *all)
            .await?;
        all.commit().await?;
        Ok(())
    }

    /// Is done with a report. Bundles that still wait for it, and for no other that holds them, are appraised anew; that is no failure of
    /// theirs and is not counted as one.
    ///
    /// # Errors
    /// Of the database.
    pub async fn close_report(&self, report: B256, reason: &str) -> Result<(), Error> {
        let mut both = self.begin().await?;
        sqlx::query("UPDATE cosign_reports SET is_open = 0 WHERE hash = $1")
            .bind(report.to_string())
            .execute(&mut *both)
            .await?;
        sqlx::query(
            "UPDATE bundles SET state = 'received', report = NULL, reason = $2 WHERE state = 'cosigning'
             AND digest IN (SELECT evidence FROM cosign_items WHERE report = $1)
             AND digest NOT IN (SELECT i.evidence FROM cosign_items i JOIN cosign_reports r ON r.hash = i.report
                                WHERE r.is_open = 1 AND i.holds = 1)",
        )
        .bind(report.to_string())
        .bind(reason)
        .execute(&mut *both)
        .await?;
        both.commit().await?;
        Ok(())
    }

    /// Has a bundle appraised anew. That is no failure of its and is not counted as one.
    ///
    /// # Errors
    /// Of the database.
    pub async fn appraise_anew(&self, digest: B256, reason: &str) -> Result<(), Error> {
        sqlx::query(
            "UPDATE bundles SET state = 'received', report = NULL, reason = $2, claimed_until = 0
             WHERE digest = $1 AND state = 'appraised'",
        )
        .bind(digest.to_string())
        .bind(reason)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Leaves an appraised bundle alone for some seconds, and says on it why it is not cosigned yet.
    ///
    /// # Errors
    /// Of the database.
    pub async fn put_off(&self, digest: B256, seconds: u64, reason: &str) -> Result<(), Error> {
        let mut one = self.begin().await?;
        let now = self.now(&mut one).await?;
        sqlx::query(
            "UPDATE bundles SET reason = $2, claimed_until = $3 WHERE digest = $1 AND state = 'appraised'",
        )
        .bind(digest.to_string())
        .bind(reason)
        .bind(now.saturating_add(signed(seconds)))
        .execute(&mut *one)
        .await?;
        one.commit().await?;
        Ok(())
    }

    /// Remembers a request until `until`. `false` if it was heard before.
    ///
    /// # Errors
    /// Of the database.
    pub async fn hear(&self, sender: Address, nonce: B256, until: u64) -> Result<bool, Error> {
        let added = sqlx::query(
            "INSERT INTO cosign_nonces (sender, nonce, until) VALUES ($1, $2, $3)
             ON CONFLICT (sender, nonce) DO NOTHING",
        )
        .bind(sender.to_string())
        .bind(nonce.to_string())
        .bind(signed(until))
        .execute(&self.writer)
        .await?;
        Ok(added.rows_affected() == 1)
    }

    /// Forgets requests whose time has passed, and signatures whose report never came.
    ///
    /// # Errors
    /// Of the database.
    pub async fn forget(&self, now: u64, oldest_signature: u64) -> Result<(), Error> {
        sqlx::query("DELETE FROM cosign_nonces WHERE until < $1")
            .bind(signed(now))
            .execute(&self.writer)
            .await?;
        sqlx::query(
            "DELETE FROM cosign_signatures WHERE received_at < $1
             AND report NOT IN (SELECT hash FROM cosign_reports)",
        )
        .bind(signed(oldest_signature))
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Forgets reports that were done with and recorded before `recorded` (Unix seconds), and what was signed under names of
    /// before `named`, the time of an appraisal (Unix seconds): nothing of so long ago is ever signed again.
    ///
    /// # Errors
    /// Of the database.
    pub async fn forget_signed(&self, recorded: u64, named: u64) -> Result<(), Error> {
        let mut all = self.begin().await?;
        for (statement, before) in [
            (
                "DELETE FROM cosign_items WHERE report IN (
                     SELECT hash FROM cosign_reports WHERE is_open = 0 AND recorded_at < $1)",
                recorded,
            ),
            (
                "DELETE FROM cosign_reports WHERE is_open = 0 AND recorded_at < $1",
                recorded,
            ),
            ("DELETE FROM signatures WHERE as_of < $1", named),
        ] {
            sqlx::query(statement)
                .bind(signed(before))
                .execute(&mut *all)
                .await?;
        }
        all.commit().await?;
        Ok(())
    }

    /// Since when a source is known to have come to this number: now, if it is new.
    ///
    /// # Errors
    /// Of the database.
    pub async fn known_since(&self, source: &str, number: &str, now: u64) -> Result<u64, Error> {
        sqlx::query(
            "INSERT INTO cosign_numbers (source, number, since) VALUES ($1, $2, $3)
             ON CONFLICT (source, number) DO NOTHING",
        )
        .bind(source)
        .bind(number)
        .bind(signed(now))
        .execute(&self.writer)
        .await?;
        let row = sqlx::query("SELECT since FROM cosign_numbers WHERE source = $1 AND number = $2")
            .bind(source)
            .bind(number)
            .fetch_one(&self.pool)
            .await?;
        Ok(unsigned(&row, "since")?)
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
        sqlx::query(
            "INSERT INTO bundles (digest, operator, is_public, state, received_at, result, appraisal, fields)
             VALUES ($1, $2, $3, 'cosigning', $4, $5, $6, $7)
             ON CONFLICT (digest) DO UPDATE SET state = 'cosigning', result = excluded.result,
             fields = excluded.fields, appraisal = COALESCE(excluded.appraisal, bundles.appraisal), reason = NULL,
             claimed_by = NULL, claimed_until = 0
             WHERE bundles.state IN ('received', 'appraised') OR (bundles.state = 'cosigning' AND $8 = 1)",
        )
        .bind(item.signing.evidence.to_string())
        .bind(item.operator.to_string())
        .bind(i64::from(item.is_public))
        .bind(signed(new.now))
        .bind(item.signing.result.to_string())
        .bind(item.appraisal.as_deref())
        .bind(&item.fields)
        .bind(i64::from(is_own))
        .execute(&mut *connection)
        .await?;
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

fn row_to_report(row: &Row) -> Result<OpenReport, sqlx::Error> {
    let report: alloy::primitives::Bytes = bundles::parse(row, "report")?;
    Ok(OpenReport {
        hash: bundles::parse(row, "hash")?,
        report: report.into(),
        archive: bundles::parse(row, "archive")?,
        proposer: bundles::parse(row, "proposer")?,
        set_id: u32::try_from(row.try_get::<i64, _>("set_id")?).unwrap_or_default(),
        issued_at: unsigned(row, "issued_at")?,
        deadline: unsigned(row, "deadline")?,
        recorded_at: unsigned(row, "recorded_at")?,
    })
}

/// SQL has no unsigned integers. Times stay far below the limit.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(row: &Row, column: &str) -> Result<u64, sqlx::Error> {
    row.try_get::<i64, _>(column)
        .map(|number| u64::try_from(number).unwrap_or(0))
}
