//! Walking from row to row with the keys, over tears and folded lanes.

use super::{Lane, Picture, RowId, What};

/// The next row below `from` (`down`) or above it that stands for something; the first or last one without `from`.
pub fn neighbour(picture: &Picture, folded: impl Fn(&Lane) -> bool, from: Option<RowId>, down: bool) -> Option<RowId> {
    let open = |lane: &&std::rc::Rc<Lane>| !folded(lane);
    let here = from.and_then(|id| {
        let (place, lane) = picture.lane(id.lane)?;
        Some((place, lane.covering(id.key)?))
    });
    let first_in = |lane: &Lane, down: bool| {
        let mut rows = lane.rows().iter().filter(|row| row.key.what != What::Tear);
        let row = if down { rows.next() } else { rows.next_back() };
        row.map(|row| RowId { lane: lane.id, key: row.key })
    };
    let Some((place, i)) = here else {
        let mut lanes = picture.lanes.iter().filter(open);
        return if down {
            lanes.find_map(|lane| first_in(lane, true))
        } else {
            lanes.rev().find_map(|lane| first_in(lane, false))
        };
    };
    let lane = &picture.lanes[place];
    let stands = |row: &&std::rc::Rc<super::Row>| row.key.what != What::Tear;
    let in_lane = if down { lane.rows()[i + 1..].iter().find(stands) } else { lane.rows()[..i].iter().rfind(stands) };
    if let Some(row) = in_lane.filter(|_| !folded(lane)) {
        return Some(RowId { lane: lane.id, key: row.key });
    }
    if down {
        picture.lanes[place + 1..].iter().filter(open).find_map(|lane| first_in(lane, true))
    } else {
        picture.lanes[..place].iter().rev().filter(open).find_map(|lane| first_in(lane, false))
    }
}
