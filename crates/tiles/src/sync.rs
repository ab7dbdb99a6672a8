//! What has to be done so that a bucket or folder holds the tiles that were drawn, and no others.
//!
//! Whoever asks this brings the names and sizes of the tiles, then everything that is there, page by
//! page, and at last the answers to what only the content can tell. Of what is there nothing is kept
//! but the names of what has to go.

/// MD5 of a content: what S3 shows as the `ETag` of most objects.
pub type Digest = [u8; 16];

/// The end of the names that are compared. Whatever else lies there belongs to somebody else.
const SUFFIX: &str = ".png";
/// The most that is deleted in one step.
const BATCH: usize = 100;

/// Tiles, and what is known of those that are there.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// By name.
    tiles: Vec<Tile>,
    orphans: Vec<Box<str>>,
}

#[derive(Clone, Debug)]
struct Tile {
    name: Box<str>,
    size: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing of this name was found.
    Missing,
    /// Something of the same size, and its digest when it came with the list.
    SameSize(Option<Digest>),
    Differs,
    Same,
}

/// A tile of which something of the same size is there: the content decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question<'a> {
    /// To be given back with the answer.
    pub number: usize,
    /// The name of the tile.
    pub name: &'a str,
    /// The digest of what is there; `None` where the list did not tell it.
    pub digest: Option<Digest>,
}

/// What has to be done, each list by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Tiles that are not there.
    pub new: Vec<Box<str>>,
    /// Tiles of which another content is there.
    pub changed: Vec<Box<str>>,
    /// What is there and is no tile any more.
    pub deleted: Vec<Box<str>>,
    /// How many tiles are there as they should be.
    pub unchanged: u64,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Put a tile where there is none of its name.
    Add(Box<str>),
    /// Put a tile in the place of another.
    Replace(Box<str>),
    /// Remove what has no tile, a hundred at most.
    Delete(Vec<Box<str>>),
}

impl Comparison {
    /// Begins with the tiles that were drawn: their names, such as `11/1023/681.png`, and sizes in
    /// bytes.
    #[must_use]
    pub fn new(tiles: Vec<(Box<str>, u64)>) -> Self {
        let tile = |(name, size)| Tile { name, size, state: State::Missing };
        let mut tiles: Vec<Tile> = tiles.into_iter().map(tile).collect();
        tiles.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        tiles.dedup_by(|left, right| left.name == right.name);
        Self { tiles, orphans: Vec::new() }
    }

    /// Takes note of something that is there: its name among the tiles, its size in bytes, and its
    /// digest, when that is known without looking at it.
    pub fn found(&mut self, name: &str, size: u64, digest: Option<Digest>) {
        if !name.ends_with(SUFFIX) {
            return;
        }
        match self.tiles.binary_search_by(|tile| tile.name.as_ref().cmp(name)) {
            Ok(place) => {
                let tile = &mut self.tiles[place];
                let is_same_size = tile.size == size;
                tile.state = if is_same_size { State::SameSize(digest) } else { State::Differs };
            }
            Err(_) => self.orphans.push(name.into()),
        }
    }

    /// What has to be asked before there is a plan.
    pub fn questions(&self) -> impl Iterator<Item = Question<'_>> {
        self.tiles.iter().enumerate().filter_map(|(number, tile)| match tile.state {
            State::SameSize(digest) => Some(Question { number, name: &tile.name, digest }),
            _ => None,
        })
    }

    /// Takes the answer to a question: whether what is there is the tile.
    pub fn answer(&mut self, number: usize, is_same: bool) {
        if let Some(tile) = self.tiles.get_mut(number) {
            tile.state = if is_same { State::Same } else { State::Differs };
        }
    }

    /// What has to be done. What was asked and not answered is done anew.
    #[must_use]
    pub fn plan(self) -> Plan {
        let mut plan = Plan { deleted: self.orphans, ..Plan::default() };
        plan.deleted.sort_unstable();
        plan.deleted.dedup();
        for Tile { name, state, .. } in self.tiles {
            match state {
                State::Missing => plan.new.push(name),
                State::SameSize(_) | State::Differs => plan.changed.push(name),
                State::Same => plan.unchanged += 1,
            }
        }
        plan
    }
}

impl Plan {
    /// How many files there are to put or to remove.
    #[must_use]
    pub fn len(&self) -> usize {
        self.new.len() + self.changed.len() + self.deleted.len()
    }

    /// Whether everything is as it should be.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The steps in their order: nothing is removed before all tiles were on their way.
    pub fn into_steps(self) -> impl Iterator<Item = Step> {
        let mut deleted = self.deleted.into_iter();
        let batches = std::iter::from_fn(move || {
            let batch: Vec<Box<str>> = deleted.by_ref().take(BATCH).collect();
            (!batch.is_empty()).then_some(Step::Delete(batch))
        });
        let new = self.new.into_iter().map(Step::Add);
        new.chain(self.changed.into_iter().map(Step::Replace)).chain(batches)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn names(list: &[Box<str>]) -> Vec<&str> {
        list.iter().map(AsRef::as_ref).collect()
    }

    fn compared(tiles: &[(&str, u64)]) -> Comparison {
        Comparison::new(tiles.iter().map(|(name, size)| ((*name).into(), *size)).collect())
    }

    #[test]
    fn tiles_are_new_changed_unchanged_or_to_be_deleted() {
        let mut it =
            compared(&[("2/0/0.png", 5), ("1/0/0.png", 6), ("0/0/0.png", 7), ("3/0/0.png", 8)]);
        it.found("0/0/0.png", 7, Some([1; 16]));
        it.found("1/0/0.png", 5, Some([2; 16]));
        it.found("2/0/0.png", 5, None);
        it.found("11/9/9.png", 1, None);
        it.found("data.json", 1, None);
        let asked: Vec<_> = it.questions().map(|it| (it.number, it.name, it.digest)).collect();
        assert_eq!(asked, [(0, "0/0/0.png", Some([1; 16])), (2, "2/0/0.png", None)]);
        it.answer(0, true);
        it.answer(2, false);
        let plan = it.plan();
        assert_eq!(names(&plan.new), ["3/0/0.png"]);
        assert_eq!(names(&plan.changed), ["1/0/0.png", "2/0/0.png"]);
        assert_eq!(names(&plan.deleted), ["11/9/9.png"]);
        assert_eq!((plan.unchanged, plan.len()), (1, 4));
    }

    #[test]
    fn what_was_not_answered_is_put_again() {
        let mut it = compared(&[("0/0/0.png", 7)]);
        it.found("0/0/0.png", 7, None);
        assert_eq!(names(&it.plan().changed), ["0/0/0.png"]);
    }

    #[test]
    fn an_empty_place_gets_everything_and_a_place_without_changes_nothing() {
        let tiles = [("0/0/0.png", 7), ("0/0/0@2x.png", 9)];
        let plan = compared(&tiles).plan();
        assert_eq!(names(&plan.new), ["0/0/0.png", "0/0/0@2x.png"]);
        let mut it = compared(&tiles);
        for (name, size) in tiles {
            it.found(name, size, None);
        }
        it.answer(0, true);
        it.answer(1, true);
        let plan = it.plan();
        assert!(plan.is_empty() && plan.unchanged == 2);
    }

    #[test]
    fn steps_add_then_replace_then_delete_a_hundred_at_a_time() {
        let deleted = (0..250).map(|n| format!("{n:03}.png").into_boxed_str()).collect();
        let plan = Plan {
            new: vec!["a.png".into()],
            changed: vec!["b.png".into()],
            deleted,
            unchanged: 0,
        };
        let steps: Vec<Step> = plan.into_steps().collect();
        assert_eq!(steps[..2], [Step::Add("a.png".into()), Step::Replace("b.png".into())]);
        let sizes: Vec<usize> = steps[2..]
            .iter()
            .map(|step| if let Step::Delete(batch) = step { batch.len() } else { 0 })
            .collect();
        assert_eq!(sizes, [100, 100, 50]);
    }

    proptest! {
        #[test]
        fn doing_the_plan_leaves_the_tiles_and_nothing_else(
            tiles in prop::collection::btree_map(0_u8..20, 0_u64..3, 0..20),
            there in prop::collection::btree_map(0_u8..20, 0_u64..3, 0..20),
        ) {
            // The content is the number; its size says whether it is even.
            let size = |content: u64| content % 2;
            let name = |key: u8| format!("{key}.png");
            let mut it = Comparison::new(
                tiles.iter().map(|(key, content)| (name(*key).into(), size(*content))).collect(),
            );
            for (key, content) in &there {
                it.found(&name(*key), size(*content), None);
            }
            let content = |of: &BTreeMap<u8, u64>, file: &str| {
                of.iter().find(|(key, _)| name(**key) == file).map(|(_, content)| *content)
            };
            let answers: Vec<(usize, bool)> = it
                .questions()
                .map(|it| (it.number, content(&tiles, it.name) == content(&there, it.name)))
                .collect();
            for (number, is_same) in answers {
                it.answer(number, is_same);
            }
            let plan = it.plan();
            let put = (plan.new.len() + plan.changed.len()) as u64;
            prop_assert_eq!(plan.unchanged + put, tiles.len() as u64);
            let mut after: BTreeMap<String, u64> =
                there.iter().map(|(key, content)| (name(*key), *content)).collect();
            for step in plan.into_steps() {
                match step {
                    Step::Add(file) => {
                        let was = after.insert(file.to_string(), content(&tiles, &file).unwrap());
                        prop_assert_eq!(was, None);
                    }
                    Step::Replace(file) => {
                        let now = content(&tiles, &file);
                        prop_assert_ne!(after.insert(file.to_string(), now.unwrap()), now);
                    }
                    Step::Delete(files) => {
                        for file in files {
                            prop_assert!(after.remove(file.as_ref()).is_some());
                        }
                    }
                }
            }
            let expected: BTreeMap<String, u64> =
                tiles.iter().map(|(key, content)| (name(*key), *content)).collect();
            prop_assert_eq!(after, expected);
        }
    }
}
