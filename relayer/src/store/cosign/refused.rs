//! Reports that members signed and this relayer refused, for who would prove it.

use alloy::primitives::{Address, B256};
use sqlx::Row as _;

use super::super::{
    Store,
    row::{parse_bytes, row_to_signature},
    signed,
};
use crate::Error;

/// Most that are kept of one signer's. One that convicts is enough, and whoever signs more only convicts itself again.
const MOST_OF_ONE: i64 = 64;

/// A report under which stands a member's signature, and not this relayer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedReport {
    /// Who signed it.
    pub signer: Address,
    /// ABI-encoded.
    pub report: Vec<u8>,
    /// 64 bytes (EIP-2098), verified.
    pub signature: [u8; 64],
    /// ABI-encoded: what this relayer found, and what the report says instead.
    pub results: Vec<u8>,
}

impl Store {
    /// Keeps what was refused, of each signer's so many. The same again changes nothing.
    ///
    /// # Errors
    /// Of the database.
    pub async fn keep_refused(&self, hash: B256, refused: &RefusedReport, now: u64) -> Result<(), Error> {
        let row = sqlx::query("SELECT COUNT(*) FROM cosign_refused WHERE signer = $1")
            .bind(refused.signer.to_string())
            .fetch_one(&self.pool)
            .await?;
        if row.try_get::<i64, _>(0)? >= MOST_OF_ONE {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO cosign_refused (hash, signer, report, signature, results, refused_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (signer, hash) DO NOTHING",
        )
        .bind(hash.to_string())
        .bind(refused.signer.to_string())
        .bind(hex::encode(&refused.report))
        .bind(hex::encode(refused.signature))
        .bind(hex::encode(&refused.results))
        .bind(signed(now))
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// All that were refused and kept, the oldest first.
    ///
    /// # Errors
    /// Of the database.
    pub async fn refused_reports(&self) -> Result<Vec<RefusedReport>, Error> {
        let rows = sqlx::query("SELECT * FROM cosign_refused ORDER BY refused_at, hash")
            .fetch_all(&self.pool)
            .await?;
        let refused = rows.iter().map(|row| {
            let (signer, signature) = row_to_signature(row)?;
            Ok(RefusedReport {
                signer,
                report: parse_bytes(row, "report")?,
                signature,
                results: parse_bytes(row, "results")?,
            })
        });
        Ok(refused.collect::<Result<_, sqlx::Error>>()?)
    }

    /// A report that this relayer has signed and `signer` too, in which the result of this evidence is this: ABI-encoded,
    /// with that one's signature.
    ///
    /// # Errors
    /// Of the database.
    pub async fn signed_by(
        &self,
        signer: Address,
        evidence: B256,
        result: B256,
    ) -> Result<Option<(Vec<u8>, [u8; 64])>, Error> {
        let row = sqlx::query(
            "SELECT r.report, s.signer, s.signature FROM cosign_items i JOIN cosign_reports r ON r.hash = i.report
             JOIN cosign_signatures s ON s.report = r.hash
             WHERE i.evidence = $1 AND i.result = $2 AND s.signer = $3 ORDER BY r.recorded_at LIMIT 1",
        )
        .bind(evidence.to_string())
        .bind(result.to_string())
        .bind(signer.to_string())
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (_, signature) = row_to_signature(&row)?;
        Ok(Some((parse_bytes(&row, "report")?, signature)))
    }
}
