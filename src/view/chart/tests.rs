//! What the timeline looks like, as text.

use expect_test::expect;

use super::fixture::{large, workbench};
use super::sketch::{size, sketch};
use super::{Axis, Measures, Moment, Scale, Stage, Window, card, layout, spoken_rows};

fn desk() -> Window {
    Window::new(888.0, 600.0, Measures::DESK)
}

#[test]
fn the_workbench() {
    expect![[r#"
        ▏                    ▓▓▓▓▓|▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓!▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓!▓▓▓▓▓▓▓▓▓!▓▓▓▓▓▓▓▓▓▓!▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
        ▏     24 steps            |                    !         ▓▓▓▓▓▓!▓▓▓▓▓▓▓▓▓!▓▓▓▓▓▓▓▓▓▓!▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
        ▏              ▓▓▓▓▓▓▓▓▓▓▓|▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
        ▏         step  0     1      2MMAPBATCH, opened: 8 micro-steps        3     4    5     6     7     8    9     10   11    12    13    14   15    16
        ▏         main  •     ■                         ⊖                     ▼     ⊖     ■    ■     ◇     ◆     Y    ⊖     ⊖     ⊖     ◇    ⊖     □     ×
        ▏       breaks              !    I13!!     !                                           !I11!            !I1 +3!     !I7!       !I5!
        ▏                                                                                                                   ·
        ▏       undone                                 2.5                                                                  ····· ◇···· ◇··· □· release first
        ▏   saver       pid 211 · as ffffff01 4c8f 2d60 | CR3 0A340 · 2 segments
        ▏        2 GiB                                  |
        ▏                     ░seg_mf privcmd · r--░░░░░|░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░domid 5 · soft 3 · lock 3 · valid 3░░
        ▏                           !                   |
        ▏    8000 0000         E···· R:::!M░4C0F0 …705░░|░░░░░░░░░░░░░░░░░░░░░▌M░4C0F0 …725░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
        ▏    8000 1000         E··············▌M░░░░░░░░|░4C0F1 …705░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░⊖░░░░░
        ▏                                     ▌    !    |                             SIGBUS when touched; the caller’s array[2] holds F07F FFFF
        ▏    8000 2000         E···················▌R ::|/⊖ EFAULT//////////// E····⊖                                                     ·········
        ▏    8000 3000         E························|··········▌M░4C0F7 …705░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
        ▏     3.98 MiB                                  |
        ▏                                               |                                 ░xpvtap · rw- · ×352░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░domid 7░░
        ▏                                               |                                      !                                       !
        ▏    8040 0000                                  |                                  E···! Rpfn 0 :::▌G▓51234 …167▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓! ZPTE 0 -------------
        ▏                                               |                                      !           ▌                           !
        ▏    8040 1000                                  |                                  E···! Rpfn 0 :::▌G▓51777 …167▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓! Z-------------------
        ▏                                               |                                      !                                       !
        ▏    8040 2000                                  |                                  E···! Rpfn 0 :::▌G▓5200A …167▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓ Z-------------------
        ▏                                               |                                      !
        ▏         +349                                  |                                  E···▌ R×349 pages: dom0’s pfn 0, writable :::::::::::::::::::::::
        ▏      128 TiB                                  |
        ▏   child       pid 214 · as ffffff01 4c90 11e8 | CR3 0A3C2 · born at step 9
        ▏        2 GiB                                  |
        ▏                                               |                                                   dup   privcmd, copied                 soft 0
        ▏                                               |                                                       !           !
        ▏    8000 0000                                  |                                                       ! M   ⊖     !E░4C0F0 …705 leakedxxxxxxxxx
        ▏                                               |                                                       !           !
        ▏    8000 1000                                  |                                                       ! Mno PTE   ▌E░4C0F1 …705 leakedxxxxxxxxx
        ▏    8000 2000                                  |                                                       ! E·········⊖·····························
        ▏                                               |                                                       !
        ▏    8000 3000                                  |                                                       ! Mno PTE    E···························
        ▏                                               |                                                       !
        ▏    8040 0000                                  |                                                       ! xpvtap ×352, copied        G×3, no PTE
        ▏   domain 5    frames, bar height = general cou|t
        ▏        4C0F0  ░2░░░░░░░░░░░░░░░░3░░░░░░░░░░░░░|░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░4░░░░░░░░░░░░░░░░░░░░░░3░░░░░2░░
        ▏        4C0F1  ░2░░░░░░░░░░░░░░░░░░░░░3░░░░░░░░|░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░4░░░░░░░░░░░░░░░░░░░░░░3░░░░░2░░
        ▏        4C0F2  ································|···································································⊖·given back to Xen·············
        ▏        4C0F7  ░2░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░|░░░░░░░░░░░3░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░2░░░░░░░
        ▏       7FFFFF  ································|·never domain 5’s··················································································
        ▏   domain 7    grant table v1 · pins host-w hos|-r dev-w dev-r · then the mapper’s handle
        ▏        ref 8                                  |                                             1    ▌1 0 0 0  h41▓▓▓▓▓▓▓▓▓▓⊖\\\\\ 0 0 0 0
        ▏        ref 9                                  |                                             1    ▌1 0 0 0  h42▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓ 0 0 0 0
    "#]].assert_eq(&sketch(&workbench(), &desk()));
}

#[test]
fn zoomed_out_runs_merge_and_red_stays() {
    let mut window = desk();
    window.scale = Scale { step_px: 1.0, ..Scale::START };
    let text = sketch(&workbench(), &window);
    assert!(text.contains('!'), "no red edge in\n{text}");
}

#[test]
fn a_large_picture_costs_what_can_be_seen() {
    let picture = large(1000, 1000);
    let mut window = Window::new(1200.0, 700.0, Measures::DESK);
    window.scale = Scale { tall: 0.27, ..Scale::fit(&Axis::of(&picture), window.plot()) };
    let (items, columns) = size(&layout(&picture, &window));
    let most = 700 / 4 * (1200 / 3);
    assert!(columns <= most, "{columns} columns for at most {most} places");
    assert!(columns > 1000 && items < 8000, "{columns} columns, {items} items");
}

#[test]
fn the_rows_can_be_heard() {
    let (picture, window) = (workbench(), desk());
    let stage = Stage::new(&picture, &window);
    let heard: Vec<String> = spoken_rows(&stage, 6).into_iter().map(|row| row.sentence).collect();
    expect![[r#"
        seg_mf privcmd · r--, region, since step 1
        8000 0000, M 4C0F0 …705, foreign frame, read only, locked by the HAT, since step 2.2, breaks I13
        8000 1000, M 4C0F1 …705, foreign frame, read only, locked by the HAT, since step 2.3
        8000 2000, EFAULT, refused, since step 2.5
        8000 3000, E, empty, since step 1
        nothing here now"#]]
    .assert_eq(&heard.join("\n"));
}

#[test]
fn the_card_says_what_would_be_there() {
    let (picture, window) = (workbench(), desk());
    let stage = Stage::new(&picture, &window);
    let row = stage.row_under(stage.find(picture.selection.unwrap().row).unwrap().y + 3.0);
    expect![[r#"
        Card {
            title: "Step 11",
            preview: true,
            sentence: "child asks for 4 frames again: answer EFAULT",
            facts: [
                (
                    "8000 1000",
                    "M 4C0F1 …705",
                ),
                (
                    "state",
                    "foreign frame, read only",
                ),
                (
                    "steps",
                    "2.3 to 15",
                ),
            ],
            breaks: [
                "I7",
            ],
        }
    "#]]
    .assert_debug_eq(&card(&stage, Moment::step(11), row));
}
