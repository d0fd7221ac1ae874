//! A persistent map from numbers to values: a tree of nodes with 64 places, as high as the largest number needs.
//!
//! A clone shares everything; a change copies the nodes on one path. A search compares nothing: one load a level, which is what walks
//! through a machine's memory are made of. `benches/worlds.rs` and `benches/mmu.rs` have the worlds that stand on it
//! beside other maps.

use std::sync::Arc;

/// Bits of a number that choose a place in a node.
const BITS: u32 = 6;
const PLACES: usize = 1 << BITS;

/// The map. Equal maps have equal trees: no node is empty, and the root is no higher than it must be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Radix<T> {
    root: Option<Arc<Node<T>>>,
    /// Levels of nodes above the values; 0 only when there are none.
    height: u32,
    len: u64,
}

#[allow(clippy::large_enum_variant, reason = "values are pointers here, so both are 64 words")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node<T> {
    Inner([Option<Arc<Node<T>>>; PLACES]),
    Leaf([Option<T>; PLACES]),
}

impl<T> Default for Radix<T> {
    fn default() -> Self {
        Radix { root: None, height: 0, len: 0 }
    }
}

/// The place of a number in a node with `below` levels of nodes under it.
fn place(number: u64, below: u32) -> usize {
    (number >> (BITS * below)) as usize % PLACES
}

impl<T: Clone> Radix<T> {
    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The value of a number.
    #[must_use]
    #[inline]
    pub fn get(&self, number: u64) -> Option<&T> {
        let mut node = self.root.as_deref().filter(|_| self.holds(number))?;
        let mut below = self.height - 1;
        loop {
            match node {
                Node::Inner(children) => node = children[place(number, below)].as_deref()?,
                Node::Leaf(values) => return values[place(number, 0)].as_ref(),
            }
            below = below.wrapping_sub(1);
        }
    }

    /// The value of a number, to be changed; made by `fill` if there is none.
    pub fn get_or_insert_with(&mut self, number: u64, fill: impl FnOnce() -> T) -> &mut T {
        while self.root.is_none() || !self.holds(number) {
            self.grow();
        }
        let mut below = self.height - 1;
        let mut node = self.root.as_mut().expect("it just grew");
        loop {
            match Arc::make_mut(node) {
                Node::Inner(children) => {
                    let child = &mut children[place(number, below)];
                    below -= 1;
                    node = child.get_or_insert_with(|| Arc::new(Node::empty(below)));
                }
                Node::Leaf(values) => {
                    let value = &mut values[place(number, 0)];
                    self.len += u64::from(value.is_none());
                    return value.get_or_insert_with(fill);
                }
            }
        }
    }

    /// Takes the value of a number away.
    pub fn remove(&mut self, number: u64) {
        if self.get(number).is_none() {
            return;
        }
        self.len -= 1;
        let root = self.root.as_mut().expect("it holds the number");
        if remove_below(root, number, self.height - 1) {
            (self.root, self.height) = (None, 0);
        }
        while let Some(only) = self.root.as_deref().and_then(Node::only_first) {
            self.root = Some(only);
            self.height -= 1;
        }
    }

    /// Whether the tree is high enough for a number.
    fn holds(&self, number: u64) -> bool {
        let bits = BITS * self.height;
        bits >= u64::BITS || number >> bits == 0
    }

    fn grow(&mut self) {
        let mut root = Node::empty(self.height);
        if let (Node::Inner(children), Some(old)) = (&mut root, self.root.take()) {
            children[0] = Some(old);
        }
        // An empty tree starts with one level of values.
        self.root = Some(Arc::new(root));
        self.height += 1;
    }
}

/// Takes the value away that is there, and answers whether the node is empty then.
fn remove_below<T: Clone>(node: &mut Arc<Node<T>>, number: u64, below: u32) -> bool {
    match Arc::make_mut(node) {
        Node::Inner(children) => {
            let child = &mut children[place(number, below)];
            if remove_below(child.as_mut().expect("the value is there"), number, below - 1) {
                *child = None;
            }
            children.iter().all(Option::is_none)
        }
        Node::Leaf(values) => {
            values[place(number, 0)] = None;
            values.iter().all(Option::is_none)
        }
    }
}

impl<T> Node<T> {
    /// A node with `below` levels of nodes under it.
    fn empty(below: u32) -> Node<T> {
        if below == 0 { Node::Leaf([const { None }; PLACES]) } else { Node::Inner([const { None }; PLACES]) }
    }

    /// The first child of an inner node that has no other.
    fn only_first(&self) -> Option<Arc<Node<T>>> {
        match self {
            Node::Inner(children) if children[1..].iter().all(Option::is_none) => children[0].clone(),
            Node::Inner(_) | Node::Leaf(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Radix;
    use std::collections::BTreeMap;

    /// Numbers of every height, in an order that has no order.
    fn numbers() -> impl Iterator<Item = u64> {
        (0_u64..600).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (n % 64))
    }

    #[test]
    fn it_is_the_map_that_std_has() {
        let (mut ours, mut theirs) = (Radix::default(), BTreeMap::new());
        for (n, number) in numbers().enumerate() {
            *ours.get_or_insert_with(number, || 0) += n;
            *theirs.entry(number).or_insert(0) += n;
        }
        assert_eq!(ours.len(), theirs.len() as u64);
        for number in numbers().chain(0..100) {
            assert_eq!(ours.get(number), theirs.get(&number));
        }
    }

    #[test]
    fn a_clone_keeps_its_own_and_equal_maps_are_equal_trees() {
        let mut map = Radix::default();
        map.get_or_insert_with(7, || 1);
        let small = map.clone();
        numbers().filter(|number| *number != 7).for_each(|number| {
            map.get_or_insert_with(number, || 2);
        });
        assert_ne!(map, small);
        assert_eq!((small.len(), small.get(7)), (1, Some(&1)));
        numbers().filter(|number| *number != 7).for_each(|number| map.remove(number));
        assert_eq!(map, small);
        map.remove(7);
        map.remove(7);
        assert_eq!(map, Radix::default());
    }
}
