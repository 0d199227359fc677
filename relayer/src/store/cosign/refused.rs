//! What members signed and this relayer refused, for who would prove it.

use alloy::primitives::{Address, B256, FixedBytes};

use super::super::{
    Row, Store,
    row::{parse, parse_bytes},
    signed,
};
use crate::Error;

/// Keeps a lie while its signer has few, and one that convicts while it has twice as many. So whoever has filled the first places
/// is still convicted by another word on what stands there, or by a lie about what it signed; not by two lies that come later.
const KEEP: &str =
    "INSERT INTO cosign_lies (signer, name, result, evidence, own, results, report, refused_at)
     SELECT $1, $2, $3, $4, $5, $6, $7, CAST($8 AS BIGINT)
     WHERE (SELECT COUNT(*) FROM cosign_lies WHERE signer = $1) < 64
        OR ((SELECT COUNT(*) FROM cosign_lies WHERE signer = $1) < 128
            AND (EXISTS (SELECT 1 FROM cosign_lies WHERE signer = $1 AND name = $2 AND result <> $3)
                 OR EXISTS (SELECT 1 FROM cosign_items i JOIN cosign_signatures s ON s.report = i.report
                            WHERE i.evidence = $4 AND i.result = $5 AND i.result <> $3 AND s.signer = $1)))
     ON CONFLICT (signer, name, result) DO NOTHING";

/// A lie, and what the same signer signed of this relayer's own result.
const TRUTH: &str = "SELECT l.results AS one, r.report AS one_report, s.signature AS one_signature,
            l.results AS other, f.report AS other_report, f.signature AS other_signature
     FROM cosign_lies l
     JOIN cosign_refused f ON f.signer = l.signer AND f.hash = l.report
     JOIN cosign_items i ON i.evidence = l.evidence AND i.result = l.own
     JOIN cosign_signatures s ON s.report = i.report AND s.signer = l.signer
     JOIN cosign_reports r ON r.hash = i.report
     WHERE l.signer = $1 AND l.result <> l.own LIMIT 1";

/// Two lies about one thing, or a lie and the truth in one report.
const LIES: &str = "SELECT a.results AS one, fa.report AS one_report, fa.signature AS one_signature,
            b.results AS other, fb.report AS other_report, fb.signature AS other_signature
     FROM cosign_lies a
     JOIN cosign_lies b ON b.signer = a.signer AND b.name = a.name AND b.result > a.result
     JOIN cosign_refused fa ON fa.signer = a.signer AND fa.hash = a.report
     JOIN cosign_refused fb ON fb.signer = b.signer AND fb.hash = b.report
     WHERE a.signer = $1 LIMIT 1";

/// A report under which stands a member's signature, and not this relayer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedReport {
    /// Who signed it.
    pub signer: Address,
    /// Its EIP-712 digest.
    pub hash: B256,
    /// ABI-encoded.
    pub report: Vec<u8>,
    /// 64 bytes (EIP-2098), verified.
    pub signature: [u8; 64],
    /// What it says otherwise than this relayer; after that, what it says like it of the same.
    pub lies: Vec<Lie>,
}

/// A result that is another than this relayer's, or stands beside one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lie {
    /// What must not have two results.
    pub name: B256,
    /// Digest of the result.
    pub result: B256,
    /// Digest of the evidence that it is of.
    pub evidence: B256,
    /// Digest of what this relayer found.
    pub own: B256,
    /// ABI-encoded: both results, this relayer's first.
    pub results: Vec<u8>,
}

/// Two results of one name that one member signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwoResults {
    /// One of them, and another.
    pub both: [SignedResult; 2],
    /// Whether the first is this relayer's own, and not a lie too.
    pub has_truth: bool,
}

/// A result that a member signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedResult {
    /// As [`Lie::results`].
    pub results: Vec<u8>,
    /// ABI-encoded: the report that carries it.
    pub report: Vec<u8>,
    /// Under that report.
    pub signature: [u8; 64],
}

impl Store {
    /// Keeps what was refused: of each signer's lies so many. The same again changes nothing.
    ///
    /// # Errors
    /// Of the database.
    pub async fn keep_refused(&self, refused: &RefusedReport, now: u64) -> Result<(), Error> {
        let (signer, hash) = (refused.signer.to_string(), refused.hash.to_string());
        let mut all = self.begin().await?;
        let mut kept = 0;
        for lie in &refused.lies {
            let done = sqlx::query(KEEP)
                .bind(&signer)
                .bind(lie.name.to_string())
                .bind(lie.result.to_string())
                .bind(lie.evidence.to_string())
                .bind(lie.own.to_string())
                .bind(hex::encode(&lie.results))
                .bind(&hash)
                .bind(signed(now))
                .execute(&mut *all)
                .await?;
            kept += done.rows_affected();
        }
        if kept > 0 {
            sqlx::query(
                "INSERT INTO cosign_refused (signer, hash, report, signature, refused_at)
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (signer, hash) DO UPDATE SET refused_at = excluded.refused_at",
            )
            .bind(&signer)
            .bind(&hash)
            .bind(hex::encode(&refused.report))
            .bind(hex::encode(refused.signature))
            .bind(signed(now))
            .execute(&mut *all)
            .await?;
        }
        Ok(all.commit().await?)
    }

    /// What convicts this member, if anything here does.
    ///
    /// # Errors
    /// Of the database.
    pub async fn two_results(&self, signer: Address) -> Result<Option<TwoResults>, Error> {
        for (query, has_truth) in [(TRUTH, true), (LIES, false)] {
            let found = sqlx::query(query)
                .bind(signer.to_string())
                .fetch_optional(&self.pool)
                .await?;
            if let Some(row) = found {
                let both = [
                    signed_result(&row, ["one", "one_report", "one_signature"])?,
                    signed_result(&row, ["other", "other_report", "other_signature"])?,
                ];
                return Ok(Some(TwoResults { both, has_truth }));
            }
        }
        Ok(None)
    }
}

fn signed_result(row: &Row, [results, report, signature]: [&str; 3]) -> Result<SignedResult, sqlx::Error> {
    let signature: FixedBytes<64> = parse(row, signature)?;
    Ok(SignedResult {
        results: parse_bytes(row, results)?,
        report: parse_bytes(row, report)?,
        signature: signature.0,
    })
}
