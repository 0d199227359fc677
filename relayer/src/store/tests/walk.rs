//! Both databases and a model take the same random steps, and all that can be read is compared.

use std::collections::BTreeSet;

use super::{
    model::{Model, Outcome},
    *,
};
use crate::{
    Error,
    store::{Attempt as Signed, Inclusion, Then, TxId, TxState},
};

const STEPS: u32 = 300;

#[tokio::test(flavor = "multi_thread")]
async fn both_databases_do_what_the_model_does() {
    let seed = std::env::var("CHASSIS_SEED").map_or_else(
        |_| {
            std::time::SystemTime::UNIX_EPOCH
                .elapsed()
                .unwrap()
                .subsec_nanos()
                .into()
        },
        |seed| seed.parse().unwrap(),
    );
    eprintln!("CHASSIS_SEED={seed} takes these steps again");
    let server = Postgres::start();
    let databases = [TestDb::sqlite(), TestDb::on(&server, "walk").await];
    let stores = [databases[0].open().await, databases[1].open().await];
    let (mut model, mut dice) = (Model::default(), Dice(seed));
    let mut refused = 0;
    for step in 0..STEPS {
        let operation = dice.operation();
        eprintln!("{step}: {operation:?}");
        let expected = operation.on_model(&mut model);
        refused += u32::from(expected.is_err());
        for store in &stores {
            let outcome = operation.on_store(store).await;
            if let Err(Error::Store(error)) = &outcome {
                // A constraint, not a mistake in the SQL.
                assert_ne!(kind_of(error), sqlx::error::ErrorKind::Other, "{error}");
            }
            let said = outcome.as_ref().map_err(|_| &());
            assert_eq!(said, expected.as_ref(), "{:?}: {outcome:?}", store.kind);
            if step % 5 == 4 {
                compare(store, &model).await;
            }
        }
    }
    assert!((1..STEPS).contains(&refused), "steps of both sorts: {refused}");
}

pub(super) fn kind_of(error: &sqlx::Error) -> sqlx::error::ErrorKind {
    error
        .as_database_error()
        .map_or(sqlx::error::ErrorKind::Other, sqlx::error::DatabaseError::kind)
}

/// Everything that can be read.
async fn compare(store: &Store, model: &Model) {
    for (digest, bundle) in &model.bundles {
        let row = store.bundle(*digest).await.unwrap().unwrap();
        assert_eq!(
            (row.digest, row.operator, row.is_public),
            (*digest, bundle.operator, bundle.is_public)
        );
        assert_eq!(
            (row.received_at, row.state, row.tries),
            (bundle.received_at, bundle.state, bundle.tries)
        );
        assert_eq!((row.result, row.fields), (bundle.result, bundle.fields.clone()));
        assert_eq!((row.report, row.reason), (bundle.report, bundle.reason.clone()));
        // What was first heard of from a peer has no operator of its own here.
        if bundle.operator == Address::ZERO {
            continue;
        }
        let latest = store.latest_bundle_of(bundle.operator).await.unwrap().unwrap();
        assert_eq!(latest.digest, *digest, "each has one bundle");
    }
    for state in State::ALL {
        let inside = model.inside(state);
        let rows = store.bundles_in(state, 1_000).await.unwrap();
        assert_eq!(
            rows.iter().map(|row| row.digest).collect::<Vec<_>>(),
            inside,
            "{state}"
        );
        assert_eq!(
            store.count(state).await.unwrap(),
            i64::try_from(inside.len()).unwrap()
        );
    }
    for report in model.reports.keys() {
        let of = store.bundles_of(*report).await.unwrap();
        let of: Vec<_> = of.iter().map(|row| row.digest).collect();
        let expected = model
            .bundles
            .iter()
            .filter(|(_, bundle)| bundle.report == Some(*report));
        assert_eq!(of, expected.map(|(digest, _)| *digest).collect::<Vec<_>>());
        let included = model.posts.values().find(|post| {
            post.report == Some(*report) && [TxState::Included, TxState::Final].contains(&post.state)
        });
        let inclusion = included.and_then(|post| post.inclusion);
        assert_eq!(store.inclusion_of(*report).await.unwrap(), inclusion);
    }
    for (id, post) in &model.posts {
        let mut attempts = post.attempts.clone();
        attempts.sort_by_key(|attempt| std::cmp::Reverse(attempt.max_fee));
        assert_eq!(store.attempts(TxId(*id)).await.unwrap(), attempts);
    }
    for (report, (is_open, _)) in &model.cosigned {
        let open = store.open_reports().await.unwrap();
        assert_eq!(open.iter().any(|open| open.hash == *report), *is_open);
    }
    assert_eq!(store.reports_to_post().await.unwrap(), model.to_post());
    for (report, calldata) in &model.reports {
        assert_eq!(&store.calldata_of(*report).await.unwrap(), calldata);
    }
    let live = store.live_transactions().await.unwrap();
    let live: Vec<_> = live
        .iter()
        .map(|tx| (tx.id.0, tx.report, tx.state, tx.nonce, tx.inclusion))
        .collect();
    let expected = model
        .posts
        .iter()
        .filter(|(_, post)| TxState::LIVE.contains(&post.state));
    let mut expected: Vec<_> = expected
        .map(|(id, post)| (*id, post.report, post.state, post.nonce, post.inclusion))
        .collect();
    expected.sort_by_key(|(id, _, _, nonce, _)| (nonce.is_none(), *nonce, *id));
    assert_eq!(live, expected);
}

#[derive(Clone, Debug)]
enum Operation {
    Add(u64),
    Appraise(u64, bool),
    End(u64, State),
    PutBack(u64),
    Claim(u32),
    Postpone(u64),
    Sign { report: u64, of: Vec<u64>, result: u64 },
    Queue(u64),
    Close(u64),
    Reserve(u64, u64),
    CloseGap(u64),
    Attempt(i64, u64),
    Broadcast(i64),
    Include(i64),
    Reorg(i64),
    Finalize(i64, u64),
    Drop(i64, Then<'static>),
    Posted(u64),
    Withdraw(u64),
}
use Operation::*;

/// What a step says: of a claim the bundles, of others a yes or no.
type Said = (bool, Vec<B256>);

impl Operation {
    fn on_model(&self, model: &mut Model) -> Outcome<Said> {
        let mut found = Vec::new();
        let yes = match self {
            Add(n) => model.add(&bundle(*n)),
            Appraise(n, fit) => model.appraise(hash(*n), hash(2_000 + n), fit.then_some("{}")),
            End(n, state) => {
                model.end(hash(*n), *state, "ended");
                true
            }
            PutBack(n) => {
                model.put_back(hash(*n), "back");
                true
            }
            Claim(most) => {
                found = model.claim(*most as usize);
                true
            }
            Postpone(n) => {
                model.postpone(hash(*n));
                true
            }
            Sign { report, of, result } => {
                model.sign(report_of(*report), &signings(of, *result))?;
                true
            }
            Queue(report) => {
                model.queue(report_of(*report), &[7])?;
                true
            }
            Close(report) => {
                model.close(report_of(*report), "closed");
                true
            }
            Reserve(report, nonce) => {
                model.reserve(Some(report_of(*report)), *nonce)?;
                true
            }
            CloseGap(nonce) => {
                model.reserve(None, *nonce)?;
                true
            }
            Attempt(id, fee) => {
                model.attempt(*id, &attempt(*fee))?;
                true
            }
            Broadcast(id) => {
                model.broadcast(*id);
                true
            }
            Include(id) => model.include(*id, inclusion(*id)),
            Reorg(id) => model.reorg(*id),
            Finalize(id, skipped) => model.finalize(*id, hash(*skipped)),
            Drop(id, then) => model.drop_post(*id, *then),
            Posted(report) => {
                model.posted(report_of(*report), inclusion(99))?;
                true
            }
            Withdraw(report) => {
                model.withdraw(report_of(*report), "withdrawn");
                true
            }
        };
        Ok((yes, found))
    }

    async fn on_store(&self, store: &Store) -> Result<Said, Error> {
        let mut found = Vec::new();
        match self {
            Add(n) => return Ok((store.add_bundle(&bundle(*n)).await?, found)),
            Appraise(n, fit) => {
                let fields = fit.then_some("{}");
                let stored = store.set_appraisal(hash(*n), hash(2_000 + n), fields);
                return Ok((stored.await?, found));
            }
            End(n, state) => store.end_bundle(hash(*n), *state, "ended").await?,
            PutBack(n) => store.put_back(hash(*n), "back").await?,
            Claim(most) => found = store.claim(*most).await?.iter().map(|row| row.digest).collect(),
            Postpone(n) => {
                store.postpone(hash(*n), 0).await?;
                // Whose turn it is then depends on the clock, which the model has none of.
                let forget =
                    "UPDATE bundles SET claimed_until = 0 WHERE claimed_by IS NULL AND state = 'received'";
                sqlx::query(forget).execute(&store.writer).await?;
            }
            Sign { report, of, result } => {
                sign(store, report_of(*report), &signings(of, *result)).await?;
            }
            Queue(report) => match store.signed_report(report_of(*report)).await? {
                Some(signed) => store.queue_report(&signed, &[7]).await?,
                None => return Err(Error::Refused("it was not signed".into())),
            },
            Close(report) => store.close_report(report_of(*report), "closed").await?,
            Reserve(report, nonce) => {
                let report = Some(report_of(*report));
                store.reserve(report, Address::ZERO, *nonce, 21_000, 1).await?;
            }
            CloseGap(nonce) => {
                store.reserve(None, Address::ZERO, *nonce, 21_000, 1).await?;
            }
            Attempt(id, fee) => store.add_attempt(TxId(*id), &attempt(*fee)).await?,
            Broadcast(id) => store.set_broadcast(TxId(*id)).await?,
            Include(id) => {
                let is_news = store.set_included(TxId(*id), &inclusion(*id), 1, 1).await?;
                return Ok((is_news, found));
            }
            Reorg(id) => return Ok((store.set_reorged(TxId(*id)).await?, found)),
            Finalize(id, skipped) => {
                let is_news = store.set_final(TxId(*id), &[hash(*skipped)]).await?;
                return Ok((is_news, found));
            }
            Drop(id, then) => return Ok((store.drop_transaction(TxId(*id), *then).await?, found)),
            Posted(report) => store.set_posted(report_of(*report), &inclusion(99)).await?,
            Withdraw(report) => {
                store
                    .withdraw_report(report_of(*report), 1, 0, "withdrawn")
                    .await?;
            }
        }
        Ok((true, found))
    }
}

fn report_of(n: u64) -> B256 {
    hash(3_000 + n)
}

/// Result 0 is the honest one; another is a contradiction, once the honest one is signed.
fn signings(of: &[u64], result: u64) -> Vec<Signing> {
    of.iter()
        .map(|n| Signing {
            result: hash(2_000 + n + 100 * result),
            ..signing(*n)
        })
        .collect()
}

fn attempt(fee: u64) -> Signed {
    Signed {
        hash: hash(5_000 + fee),
        raw: vec![1],
        max_fee: u128::from(fee),
        max_tip: 1,
        cancels: false,
    }
}

fn inclusion(id: i64) -> Inclusion {
    let n = id.unsigned_abs();
    Inclusion {
        hash: hash(6_000 + n),
        block_hash: hash(7_000 + n),
        block_number: n,
        gas_used: n,
    }
}

/// `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    /// Few bundles, reports and nonces, so that steps meet.
    fn operation(&mut self) -> Operation {
        let (n, report) = (self.roll(12), self.roll(6));
        let id = i64::try_from(self.roll(8)).unwrap() + 1;
        match self.roll(28) {
            0..3 => Add(n),
            3..6 => Appraise(n, self.roll(4) > 0),
            6 => End(n, self.pick(&[State::Rejected, State::Failed, State::Final])),
            7 => PutBack(n),
            8 | 9 => Claim(u32::try_from(self.roll(4)).unwrap()),
            10 => Postpone(n),
            11..14 => Sign {
                report,
                of: BTreeSet::from([n, self.roll(12)]).into_iter().collect(),
                result: self.roll(5) / 4,
            },
            14 | 15 => Reserve(report, self.roll(5)),
            16 => CloseGap(self.roll(5)),
            17 | 18 => Attempt(id, self.roll(50)),
            19 => Broadcast(id),
            20 | 21 => Include(id),
            22 => Reorg(id),
            23 => Finalize(id, n),
            24 => Drop(
                id,
                self.pick(&[Then::Requeue, Then::Reappraise("reverted"), Then::Refresh("late")]),
            ),
            25 => Posted(report),
            26 => self.pick(&[Close(report), Withdraw(report), Queue(report)]),
            _ => Queue(report),
        }
    }

    fn pick<T: Clone>(&mut self, of: &[T; 3]) -> T {
        of[usize::try_from(self.roll(3)).unwrap()].clone()
    }
}
