//! Makes a failing case small: fewer steps, then a smaller world, and then smaller steps. What is left still fails by the
//! same law.

use super::{Case, Step, play};
use crate::sim::Action;

/// The fewest and smallest steps of a failing case that still fail by the same law.
pub fn shrink(case: &Case) -> Case {
    let Some(wanted) = law(case) else {
        return case.clone();
    };
    let fails = |case: &Case| law(case).as_ref() == Some(&wanted);
    let mut best = case.clone();
    loop {
        let before = best.clone();
        fewer_steps(&mut best, &fails);
        smaller_world(&mut best, &fails);
        smaller_steps(&mut best, &fails);
        if best == before {
            return best;
        }
    }
}

fn law(case: &Case) -> Option<String> {
    let failure = play(case, true).failure?;
    failure.split(':').next().map(String::from)
}

fn fewer_steps(best: &mut Case, fails: &impl Fn(&Case) -> bool) {
    let mut size = best.steps.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < best.steps.len() {
            let mut less = best.clone();
            less.steps.drain(at..(at + size).min(best.steps.len()));
            if fails(&less) {
                *best = less;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
}

/// Fewer nodes, no keys, and nobody left outside.
fn smaller_world(best: &mut Case, fails: &impl Fn(&Case) -> bool) {
    let mut fewer = 0..best.options.replicas;
    let found = fewer.find_map(|replicas| {
        let mut less = best.clone();
        less.options.replicas = replicas;
        fails(&less).then_some(less)
    });
    *best = found.unwrap_or_else(|| best.clone());
    for change in [
        |case: &mut Case| case.options.keys.clear(),
        |case: &mut Case| case.outside.clear(),
    ] {
        let mut less = best.clone();
        change(&mut less);
        if less != *best && fails(&less) {
            *best = less;
        }
    }
}

/// Times, sizes and counts.
fn smaller_steps(best: &mut Case, fails: &impl Fn(&Case) -> bool) {
    let mut at = 0;
    while at < best.steps.len() {
        let found = smaller(&best.steps[at]).into_iter().find_map(|step| {
            let mut less = best.clone();
            less.steps[at] = step;
            fails(&less).then_some(less)
        });
        match found {
            Some(less) => *best = less,
            None => at += 1,
        }
    }
}

/// The same step with a number in it that is smaller, or a shorter word; the smallest first.
fn smaller(step: &Step) -> Vec<Step> {
    let Step::Act(action) = step else {
        let Step::Run(us) = step else {
            return Vec::new();
        };
        return lesser(*us).into_iter().map(Step::Run).collect();
    };
    let line = action.to_string();
    // Another port would be another master.
    if line.contains("REPLICAOF") {
        return Vec::new();
    }
    let words: Vec<&str> = line.split(' ').collect();
    let with = |(i, word): (usize, &&str)| {
        let words = &words;
        let shorter = shorter(word).into_iter().filter_map(move |less| {
            let mut words: Vec<&str> = words.clone();
            words[i] = &less;
            let action = Action::parse(&words.join(" ")).ok()?;
            Some(Step::Act(action))
        });
        shorter.collect::<Vec<_>>()
    };
    // The first word is the verb, or the node.
    words.iter().enumerate().skip(1).flat_map(with).collect()
}

fn lesser(n: u64) -> Vec<u64> {
    let mut less = vec![1, n / 1_000_000 * 1_000_000, n / 1000 * 1000, n / 2];
    less.retain(|m| (1..n).contains(m));
    less.dedup();
    less
}

/// A number with its unit, smaller; or a long word of one line, cut in half.
fn shorter(word: &str) -> Vec<String> {
    let digits = word.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = word.split_at(digits.unwrap_or(word.len()));
    if let Ok(n) = number.parse::<u64>()
        && unit.chars().all(|c| c.is_ascii_alphabetic() || c == '/')
    {
        let less = lesser(n).into_iter();
        return less.map(|n| format!("{n}{unit}")).collect();
    }
    if word.len() > 8 && word.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return vec![word[..1].into(), word[..word.len() / 2].into()];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(line: &str) -> Vec<String> {
        let step = Step::Act(Action::parse(line).expect("a line of this file"));
        smaller(&step).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn times_sizes_and_values_become_smaller_and_stay_lines() {
        assert_eq!(
            lines("stall m -> r1 400ms"),
            ["stall m -> r1 1ms", "stall m -> r1 200ms"]
        );
        assert_eq!(
            lines("cut m r1 after 7"),
            ["cut m r1 after 1", "cut m r1 after 3"]
        );
        assert_eq!(
            lines("m> SET k0 vvvvvvvvvv"),
            ["m> SET k0 v", "m> SET k0 vvvvv"]
        );
        assert!(
            lines("r1> REPLICAOF 127.0.0.1 6379").is_empty(),
            "the ports stay"
        );
        assert!(lines("kill r1").is_empty());
        let run = |us| smaller(&Step::Run(us));
        assert_eq!(run(1500), [1, 1000, 750].map(Step::Run));
        assert!(run(1).is_empty());
    }
}
