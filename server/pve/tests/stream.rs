//! The stream of `corosync-quorumtool -m`, as it arrived.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod support;

use pve::quorumtool::BlockReader;
use support::entry;

/// The recorded stream without the times of arrival.
fn stream() -> String {
    let recorded = entry("pve-9.2/80-event-streams.txt", "stdbuf -oL corosync-quorumtool -m");
    recorded.stdout.lines().map(|line| format!("{}\n", line.split_once(' ').map_or("", |(_, rest)| rest))).collect()
}

#[test]
fn a_node_goes_and_comes_back() {
    let blocks: Vec<_> = BlockReader::default().push(stream().as_bytes());
    let blocks: Vec<_> = blocks.into_iter().map(|block| block.expect("a block")).collect();
    let seen: Vec<(u32, &str)> = blocks.iter().map(|block| (block.nodes, block.ring_id.as_str())).collect();
    assert_eq!(seen, [(3, "1.d"), (2, "1.11"), (3, "1.16")]);
}

/// Bytes come in any pieces; the blocks are the same.
#[test]
fn the_pieces_do_not_matter() {
    let stream = stream();
    let whole = BlockReader::default().push(stream.as_bytes());
    for size in [1, 2, 7, 100] {
        let mut reader = BlockReader::default();
        let pieces: Vec<_> = stream.as_bytes().chunks(size).flat_map(|piece| reader.push(piece)).collect();
        assert_eq!(pieces, whole, "pieces of {size}");
    }
}

#[test]
fn a_block_is_there_with_its_blank_line() {
    let stream = stream();
    let end = stream.find("pve3\n").expect("the last row") + "pve3\n".len();
    let mut reader = BlockReader::default();
    assert!(reader.push(&stream.as_bytes()[..end]).is_empty());
    assert_eq!(reader.push(b"\n").len(), 1);
}

#[test]
fn a_cut_block_is_an_error_and_the_next_one_is_read() {
    let stream = stream();
    let mut reader = BlockReader::default();
    let mut blocks = reader.push(&stream.as_bytes()[..100]);
    blocks.extend(reader.push(b"\nnoise between\n"));
    blocks.extend(reader.push(stream.as_bytes()));
    assert!(blocks[0].is_err());
    assert_eq!(blocks.iter().filter(|block| block.is_ok()).count(), 3);
}

#[test]
fn a_block_without_end_does_not_grow_the_memory() {
    let mut reader = BlockReader::default();
    reader.push(b"Quorum information\n");
    let mut errors = 0;
    for _ in 0..1000 {
        errors += reader.push(&[b'x'; 1000]).iter().filter(|block| block.is_err()).count();
    }
    assert!((10..20).contains(&errors), "{errors}");
    let noise = reader.push(b"\n");
    assert!(noise.is_empty());
    assert_eq!(reader.push(stream().as_bytes()).len(), 3);
}
