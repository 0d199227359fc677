//! What the history says of a time is what the registry answered then.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256},
};
use chassis_relayer::{
    history::{Floor, History},
    replay::RegistryLog,
};
use futures::{StreamExt as _, stream};

use super::chain::Chain;

/// Asks both at every block with a log, and at the ones beside it, about everybody who ever was and about a stranger.
pub(super) async fn is_what_the_registry_said(chain: &Chain, logs: &[RegistryLog]) {
    let mut history = History::new(chain.registry);
    history.take(logs).unwrap();
    let mut operators: Vec<_> = history.operators().map(|(operator, _)| operator).collect();
    operators.push(Address::repeat_byte(0xdd));
    let latest = alloy::providers::Provider::get_block_number(&chain.provider)
        .await
        .unwrap();
    let mut numbers: Vec<u64> = logs
        .iter()
        .flat_map(|log| [log.at.block - 1, log.at.block, log.at.block + 1])
        .filter(|number| *number >= logs[0].at.block && *number <= latest)
        .collect();
    numbers.dedup();
    numbers.sort_unstable();
    numbers.dedup();
    let (registry, history) = (chain.registry(), &history);
    let mut asked = 0;
    for number in numbers {
        let time_of = async |number: u64| {
            let block = alloy::providers::Provider::get_block_by_number(&chain.provider, number.into());
            block.await.unwrap().map(|block| block.header.timestamp)
        };
        let time = time_of(number).await.unwrap();
        // Of blocks of one second, the last says what was true then.
        if time_of(number + 1).await == Some(time) {
            continue;
        }
        let answers = stream::iter(&operators).map(|operator| {
            let registry = registry.clone();
            async move {
                let at = BlockId::number(number);
                let status = registry.statusOf(*operator).block(at).call().await.unwrap();
                let is_attested = registry.isAttested_0(*operator).block(at).call().await.unwrap();
                let platform = registry.platformOf(*operator).block(at).call().await.unwrap();
                (*operator, status, is_attested, platform)
            }
        });
        let answers: Vec<_> = answers.buffered(8).collect().await;
        for (operator, status, is_attested, platform) in answers {
            let moment = history.at(operator, time, Floor::DEFAULT);
            let about = format!("{operator} at block {number}, {time}: {moment:?}");
            assert_eq!(moment.status(), status, "{about}");
            assert_eq!(moment.is_attested(), is_attested, "{about}");
            let any = history.at(operator, time, Floor::ANY);
            let ours = moment.span.filter(|_| any.is_attested());
            let ours = ours.map_or(B256::ZERO, |span| span.standing.platform);
            assert_eq!(ours, platform, "{about}");
            asked += 1;
        }
    }
    assert!(asked > 100, "{asked} answers compared");
}
