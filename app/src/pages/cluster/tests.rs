use super::geometry::{Plan, Point, parallel};

/// Corosync's own limit is far above; 32 is what Proxmox VE speaks of.
const NODES_MAX: usize = 32;

#[test]
fn every_card_is_inside_and_none_covers_another() {
    for count in 1..=NODES_MAX {
        let plan = Plan::new(count);
        let places: Vec<Point> = (0..count).map(|index| plan.place(index)).collect();
        let (top, height) = plan.bounds(true);
        for (index, one) in places.iter().enumerate() {
            assert!(
                one.y - plan.card_height / 2.0 >= top && one.y + plan.card_height / 2.0 <= top + height,
                "{count}: {one:?}"
            );
            assert!(
                one.x - plan.card_width / 2.0 >= 0.0 && one.x + plan.card_width / 2.0 <= plan.width,
                "{count}: {one:?}"
            );
            assert!(
                one.y - plan.card_height / 2.0 >= 0.0 && one.y + plan.card_height / 2.0 <= plan.height,
                "{count}: {one:?}"
            );
            for other in places.iter().skip(index + 1) {
                let apart = (one.x - other.x).abs() >= plan.card_width || (one.y - other.y).abs() >= plan.card_height;
                assert!(apart, "{count} nodes: {one:?} covers {other:?}");
            }
        }
    }
}

#[test]
fn the_qdevice_covers_no_node() {
    for count in 1..=NODES_MAX {
        let plan = Plan::new(count);
        let device = plan.qdevice();
        for index in 0..count {
            let node = plan.place(index);
            assert!(
                (node.x - device.x).abs() > plan.card_width / 2.0 || (node.y - device.y).abs() > plan.card_height,
                "{count}"
            );
        }
    }
}

#[test]
fn links_of_a_pair_run_beside_each_other() {
    let (from, to) = (Point { x: 0.0, y: 0.0 }, Point { x: 100.0, y: 0.0 });
    let (first, _) = parallel(from, to, 0, 2);
    let (second, _) = parallel(from, to, 1, 2);
    assert_eq!((first.y, second.y), (-3.0, 3.0));
    assert_eq!(parallel(from, to, 0, 1), (from, to));
    assert_eq!(parallel(from, from, 0, 2), (from, from));
}
