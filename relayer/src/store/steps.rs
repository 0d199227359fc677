//! A transaction's steps. Each is one database transaction, and does nothing if somebody took it before: two replicas, or
//! one that was killed and came back, may both try.

use alloy::primitives::{Address, B256};

use super::{
    Connection, Store, signed,
    transactions::{Attempt, Inclusion, TxId, TxState},
};
use crate::Error;

/// What becomes of a dropped transaction's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then<'a> {
    /// It is good, and is posted anew with another nonce.
    Requeue,
    /// Its bundles are appraised anew, for this reason. Not for ever: that counts as a try, unless somebody else proposed
    /// the report.
    Reappraise(&'a str),
    /// The same, but nothing is wrong with them: it only took too long.
    Refresh(&'a str),
    /// Another relayer posted it: here, for which it paid.
    PostedBy(&'a Inclusion),
}

impl Store {
    /// Gives a report, or a gap, a nonce.
    ///
    /// # Errors
    /// If another live transaction has the nonce, or the report has a transaction; else of the database.
    pub async fn reserve(
        &self,
        report: Option<B256>,
        account: Address,
        nonce: u64,
        gas_limit: u64,
        now: u64,
    ) -> Result<TxId, Error> {
        let mut both = self.begin().await?;
        let id = next_id(&mut both).await?;
        sqlx::query(
            "INSERT INTO transactions (id, report, state, account, nonce, gas_limit, since)
             VALUES ($1, $2, 'reserved', $3, $4, $5, $6)",
        )
        .bind(id.0)
        .bind(report.map(|report| report.to_string()))
        .bind(account.to_string())
        .bind(signed(nonce))
        .bind(signed(gas_limit))
        .bind(signed(now))
        .execute(&mut *both)
        .await?;
        both.commit().await?;
        Ok(id)
    }

    /// Stores signed bytes, before they are sent.
    ///
    /// # Errors
    /// Of the database.
    pub async fn add_attempt(&self, id: TxId, attempt: &Attempt) -> Result<(), Error> {
        let mut both = self.begin().await?;
        sqlx::query(
            "INSERT INTO attempts (hash, transaction_id, raw, max_fee, max_tip, cancels)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (hash) DO NOTHING",
        )
        .bind(attempt.hash.to_string())
        .bind(id.0)
        .bind(hex::encode(&attempt.raw))
        .bind(attempt.max_fee.to_string())
        .bind(attempt.max_tip.to_string())
        .bind(i64::from(attempt.cancels))
        .execute(&mut *both)
        .await?;
        if step(&mut both, id, &[TxState::Reserved], TxState::Signed).await? {
            set_bundles(&mut both, id, "posted").await?;
        }
        both.commit().await?;
        Ok(())
    }

    /// An endpoint took the bytes.
    ///
    /// # Errors
    /// Of the database.
    pub async fn set_broadcast(&self, id: TxId) -> Result<(), Error> {
        let mut one = self.begin().await?;
        step(&mut one, id, &[TxState::Signed], TxState::Broadcast).await?;
        one.commit().await?;
        Ok(())
    }

    /// Notes that an attempt is in a block, and what was paid for it (wei, Unix seconds). Returns whether it is news.
    ///
    /// # Errors
    /// Of the database.
    pub async fn set_included(&self, id: TxId, at: &Inclusion, cost: u128, now: u64) -> Result<bool, Error> {
        let mut both = self.begin().await?;
        write_inclusion(&mut both, id, at).await?;
        sqlx::query("UPDATE transactions SET cost = $2, paid_at = $3 WHERE id = $1")
            .bind(id.0)
            .bind(cost.to_string())
            .bind(signed(now))
            .execute(&mut *both)
            .await?;
        let is_news = step(
            &mut both,
            id,
            &[TxState::Signed, TxState::Broadcast],
            TxState::Included,
        )
        .await?;
        if !is_news {
            return Ok(false);
        }
        set_bundles(&mut both, id, "included").await?;
        both.commit().await?;
        Ok(true)
    }

    /// A reorg took the block away: the transaction is on its way again. What another relayer posted is this one's to
    /// post again. Returns whether it is news.
    ///
    /// # Errors
    /// Of the database.
    pub async fn set_reorged(&self, id: TxId) -> Result<bool, Error> {
        let mut all = self.begin().await?;
        let own = sqlx::query(
            "UPDATE transactions SET state = 'broadcast', hash = NULL, block_hash = NULL, block_number = NULL,
             gas_used = NULL, cost = NULL, paid_at = NULL
             WHERE id = $1 AND state = 'included' AND nonce IS NOT NULL",
        )
        .bind(id.0)
        .execute(&mut *all)
        .await?;
        let is_own = own.rows_affected() == 1;
        let is_news = is_own || step(&mut all, id, &[TxState::Included], TxState::Dropped).await?;
        if is_news {
            set_bundles(&mut all, id, if is_own { "posted" } else { "queued" }).await?;
        }
        all.commit().await?;
        Ok(is_news)
    }

    /// The block is finalized. Bundles whose result the registry did not apply go back. Returns whether it is news.
    ///
    /// # Errors
    /// Of the database.
    pub async fn set_final(&self, id: TxId, skipped: &[B256]) -> Result<bool, Error> {
        let mut all = self.begin().await?;
        let is_news = step(&mut all, id, &[TxState::Included], TxState::Final).await?;
        if is_news {
            for digest in skipped {
                sqlx::query(
                    "UPDATE bundles SET state = 'received', report = NULL, tries = tries + 1,
                     reason = 'the registry skipped it' WHERE digest = $1 AND state = 'included'",
                )
                .bind(digest.to_string())
                .execute(&mut *all)
                .await?;
            }
            set_bundles(&mut all, id, "final").await?;
        }
        all.commit().await?;
        Ok(is_news)
    }

    /// The transaction can have no effect any more. Returns whether it is news.
    ///
    /// # Errors
    /// Of the database.
    pub async fn drop_transaction(&self, id: TxId, then: Then<'_>) -> Result<bool, Error> {
        let mut all = self.begin().await?;
        // First what depends on the bundles' report, then what takes it away.
        set_bundles(&mut all, id, "queued").await?;
        let is_news = step(&mut all, id, &TxState::LIVE, TxState::Dropped).await?;
        if !is_news {
            return Ok(false);
        }
        match then {
            Then::Requeue => {}
            Then::Reappraise(reason) => put_back(&mut all, id, 1, reason).await?,
            Then::Refresh(reason) => put_back(&mut all, id, 0, reason).await?,
            Then::PostedBy(at) => {
                let report = sqlx::query_scalar::<_, String>("SELECT report FROM transactions WHERE id = $1")
                    .bind(id.0)
                    .fetch_one(&mut *all)
                    .await?;
                posted_by_another(&mut all, &report, at).await?;
            }
        }
        all.commit().await?;
        Ok(true)
    }

    /// Another relayer posted a queued report.
    ///
    /// # Errors
    /// If the report has a transaction; else of the database.
    pub async fn set_posted(&self, report: B256, at: &Inclusion) -> Result<(), Error> {
        let mut all = self.begin().await?;
        posted_by_another(&mut all, &report.to_string(), at).await?;
        all.commit().await?;
        Ok(())
    }

    /// A queued report that the registry would refuse: its bundles are appraised anew after so many seconds, which counts as
    /// so many tries. Nothing if it has a transaction.
    ///
    /// # Errors
    /// Of the database.
    pub async fn withdraw_report(
        &self,
        report: B256,
        tries: u8,
        seconds: u64,
        reason: &str,
    ) -> Result<(), Error> {
        let mut one = self.begin().await?;
        let until = match seconds {
            0 => 0,
            _ => self.now(&mut one).await?.saturating_add(signed(seconds)),
        };
        sqlx::query(
            "UPDATE bundles SET state = 'received', report = NULL, tries = tries + $2, reason = $3, claimed_until = $4
             WHERE state = 'queued' AND report = $1
             AND NOT EXISTS (SELECT 1 FROM transactions t WHERE t.report = $1 AND t.state <> 'dropped')",
        )
        .bind(report.to_string())
        .bind(i64::from(tries))
        .bind(reason)
        .bind(until)
        .execute(&mut *one)
        .await?;
        one.commit().await?;
        Ok(())
    }
}

async fn put_back(
    connection: &mut Connection,
    id: TxId,
    tries: i64,
    reason: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE bundles SET state = 'received', report = NULL, reason = $3, tries = tries + CASE WHEN EXISTS (
             SELECT 1 FROM transactions t JOIN cosign_reports r ON r.hash = t.report
             WHERE t.id = $1 AND r.proposer <> t.account) THEN 0 ELSE $2 END
         WHERE state = 'queued' AND report = (SELECT report FROM transactions WHERE id = $1)",
    )
    .bind(id.0)
    .bind(tries)
    .bind(reason)
    .execute(connection)
    .await?;
    Ok(())
}

async fn posted_by_another(
    connection: &mut Connection,
    report: &str,
    at: &Inclusion,
) -> Result<(), sqlx::Error> {
    let id = next_id(connection).await?;
    sqlx::query(
        "INSERT INTO transactions (id, report, state, gas_limit, since) VALUES ($1, $2, 'broadcast', 0, 0)",
    )
    .bind(id.0)
    .bind(report)
    .execute(&mut *connection)
    .await?;
    write_inclusion(connection, id, at).await?;
    step(connection, id, &[TxState::Broadcast], TxState::Included).await?;
    set_bundles(connection, id, "included").await
}

async fn next_id(connection: &mut Connection) -> Result<TxId, sqlx::Error> {
    let last = sqlx::query_scalar::<_, i64>("SELECT COALESCE(MAX(id), 0) FROM transactions");
    Ok(TxId(last.fetch_one(connection).await? + 1))
}

async fn write_inclusion(connection: &mut Connection, id: TxId, at: &Inclusion) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE transactions SET hash = $2, block_hash = $3, block_number = $4, gas_used = $5 WHERE id = $1",
    )
    .bind(id.0)
    .bind(at.hash.to_string())
    .bind(at.block_hash.to_string())
    .bind(signed(at.block_number))
    .bind(signed(at.gas_used))
    .execute(connection)
    .await?;
    Ok(())
}

/// From one of some states to another. `false` if it is in none of them.
async fn step(
    connection: &mut Connection,
    id: TxId,
    from: &[TxState],
    to: TxState,
) -> Result<bool, sqlx::Error> {
    for state in from {
        let done = sqlx::query("UPDATE transactions SET state = $3 WHERE id = $1 AND state = $2")
            .bind(id.0)
            .bind(state.name())
            .bind(to.name())
            .execute(&mut *connection)
            .await?;
        if done.rows_affected() == 1 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes the bundles of a transaction's report along, except those that have gone another way.
async fn set_bundles(connection: &mut Connection, id: TxId, state: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE bundles SET state = $2 WHERE state IN ('queued', 'posted', 'included')
         AND report = (SELECT report FROM transactions WHERE id = $1)",
    )
    .bind(id.0)
    .bind(state)
    .execute(connection)
    .await?;
    Ok(())
}
