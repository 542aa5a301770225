//! One sort for everybody. The sort of the standard library is compiled anew for every type that is sorted, at about
//! five kilobytes each, and the page has to be downloaded; this one sorts places instead of items, so there is one copy.

use std::cmp::Ordering;

/// Sorts in place; equal items stay in their order.
pub fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let mut from = places(items.len(), &|a, b| compare(&items[a], &items[b]));
    // Follows each cycle of the permutation once: place `i` gets the item that was at `from[i]`.
    for start in 0..items.len() {
        let mut i = start;
        while from[i] != i {
            let j = std::mem::replace(&mut from[i], i);
            if j == start {
                break;
            }
            items.swap(i, j);
            i = j;
        }
    }
}

/// The places `0..len` in the order of what stands there.
#[inline(never)]
fn places(len: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..len).collect();
    let mut merged = places.clone();
    let mut run = 1;
    while run < len {
        for from in (0..len).step_by(run * 2) {
            let (middle, end) = ((from + run).min(len), (from + run * 2).min(len));
            let (mut left, mut right) = (from, middle);
            for place in &mut merged[from..end] {
                let equal_or_less = |a, b| compare(a, b) != Ordering::Greater;
                let goes_left =
                    right >= end || (left < middle && equal_or_less(places[left], places[right]));
                let at = if goes_left { &mut left } else { &mut right };
                *place = places[*at];
                *at += 1;
            }
        }
        std::mem::swap(&mut places, &mut merged);
        run *= 2;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_sort_of_the_standard_library(mut items in prop::collection::vec((0u8..9, any::<u8>()), 0..200)) {
            let mut expected = items.clone();
            expected.sort_by_key(|(key, _)| *key);
            sort_by(&mut items, |a, b| a.0.cmp(&b.0));
            prop_assert_eq!(items, expected);
        }
    }
}
