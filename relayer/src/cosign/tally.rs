//! Who signs what, out of votes. Pure.

use alloy::primitives::Address;

/// For which items a member voted yes with the proposer's own digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ballot {
    pub(super) member: Address,
    pub(super) yes: Vec<bool>,
}

/// The report to be made, and who is asked to sign it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// Items by their place in the proposal, ascending.
    pub(super) items: Vec<usize>,
    /// Everybody who voted yes on all of them: at least `others`, and all further ones, so that one who does not sign
    /// delays nobody.
    pub(super) ask: Vec<Address>,
}

/// The largest report that `others` of the willing can sign; if none, then with the help of those who voted yes before and
/// did not sign. Who is silent is neither, so nobody is left out in vain.
pub(super) fn prefer(items: usize, others: usize, willing: &[Ballot], left_out: &[Ballot]) -> Option<Choice> {
    let is_some = |choice: &Choice| !choice.items.is_empty();
    choose(items, others, willing)
        .filter(is_some)
        .or_else(|| choose(items, others, &[willing, left_out].concat()).filter(is_some))
}

/// The largest report that `others` members beside the proposer can sign. `None` if there is none.
///
/// Taking the members of one item's yes-votes that leave most items, one after another, and the best over all items, is
/// not always the best there is; that search is exponential. What is left waits for the next try.
fn choose(items: usize, others: usize, ballots: &[Ballot]) -> Option<Choice> {
    let says_yes = |ballot: &Ballot, item: usize| ballot.yes.get(item).copied().unwrap_or(false);
    let chosen = (0..items)
        .filter_map(|seed| {
            let mut voters: Vec<&Ballot> = ballots.iter().filter(|ballot| says_yes(ballot, seed)).collect();
            let mut carried: Vec<usize> = (0..items).collect();
            for _ in 0..others {
                let count = |ballot: &Ballot| carried.iter().filter(|item| says_yes(ballot, **item)).count();
                let best = (0..voters.len())
                    .rev()
                    .max_by_key(|place| count(voters[*place]))?;
                let ballot = voters.remove(best);
                carried.retain(|item| says_yes(ballot, *item));
            }
            Some(carried)
        })
        .rev()
        .max_by_key(Vec::len)?;
    let ask = ballots
        .iter()
        .filter(|ballot| chosen.iter().all(|item| says_yes(ballot, *item)))
        .map(|ballot| ballot.member)
        .collect();
    Some(Choice { items: chosen, ask })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ballots(votes: &[&str]) -> Vec<Ballot> {
        let ballot = |(place, votes): (usize, &&str)| Ballot {
            member: Address::repeat_byte(u8::try_from(place).unwrap()),
            yes: votes.chars().map(|vote| vote == 'y').collect(),
        };
        votes.iter().enumerate().map(ballot).collect()
    }

    fn chosen(items: usize, others: usize, votes: &[&str]) -> Option<(Vec<usize>, Vec<u8>)> {
        let choice = choose(items, others, &ballots(votes))?;
        Some((choice.items, choice.ask.iter().map(|member| member[0]).collect()))
    }

    #[test]
    fn alone_everything_goes() {
        assert_eq!(chosen(2, 0, &[]), Some((vec![0, 1], vec![])));
    }

    #[test]
    fn who_voted_for_all_is_asked_and_one_more_than_needed() {
        assert_eq!(chosen(2, 1, &["yy", "yy"]), Some((vec![0, 1], vec![0, 1])));
    }

    #[test]
    fn signers_must_be_the_same_for_all_items() {
        assert_eq!(
            chosen(2, 1, &["yn", "ny"]),
            Some((vec![0], vec![0])),
            "never both with one signer each"
        );
        assert_eq!(chosen(3, 1, &["ynn", "nyy"]), Some((vec![1, 2], vec![1])));
        assert_eq!(chosen(1, 2, &["y", "n", "n"]), None);
        assert_eq!(chosen(0, 0, &[]), None);
    }

    #[test]
    fn one_who_votes_for_much_does_not_keep_others_from_agreeing() {
        // By most items first, member 0 would be taken and nobody agrees with it.
        assert_eq!(chosen(3, 2, &["yyn", "nny", "nny"]), Some((vec![2], vec![1, 2])));
    }

    #[test]
    fn who_did_not_sign_before_counts_only_where_there_are_too_few_without() {
        let chosen = |willing: &[&str], left_out: &[&str]| {
            let mut all = ballots(&[willing, left_out].concat());
            let left_out = all.split_off(willing.len());
            let choice = prefer(2, 1, &all, &left_out)?;
            Some((
                choice.items,
                choice.ask.iter().map(|member| member[0]).collect::<Vec<_>>(),
            ))
        };
        assert_eq!(
            chosen(&["yn"], &["yy"]),
            Some((vec![0], vec![0])),
            "for less, if need be"
        );
        assert_eq!(chosen(&["nn"], &["ny"]), Some((vec![1], vec![1])));
        assert_eq!(
            chosen(&[], &["yy"]),
            Some((vec![0, 1], vec![0])),
            "who is silent has no ballot"
        );
        assert_eq!(chosen(&["nn"], &["nn"]), None);
    }

    #[test]
    fn a_short_ballot_is_a_no() {
        assert_eq!(chosen(2, 1, &["y"]), Some((vec![0], vec![0])));
    }
}
