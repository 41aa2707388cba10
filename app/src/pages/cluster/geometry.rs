//! Where nodes and lines stand: a fixed ellipse, so that nothing jumps when something changes.

use std::f64::consts::{FRAC_PI_2, TAU};

/// Distance between two links of one pair, in units of the drawing.
const LINK_GAP: f64 = 6.0;
/// Up to here cards have two lines.
const ROOMY_MAX: usize = 9;
/// Up to here cards fit on the small canvas.
const SMALL_CANVAS_MAX: usize = 14;

/// A point of the drawing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

/// Sizes for a number of nodes; all lengths in units of the drawing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    pub count: usize,
    pub width: f64,
    pub height: f64,
    pub card_width: f64,
    pub card_height: f64,
    /// The card has room for a second line.
    pub roomy: bool,
}

impl Plan {
    #[must_use]
    pub const fn new(count: usize) -> Self {
        if count <= ROOMY_MAX {
            Self { count, width: 820.0, height: 520.0, card_width: 164.0, card_height: 54.0, roomy: true }
        } else if count <= SMALL_CANVAS_MAX {
            Self { count, width: 900.0, height: 600.0, card_width: 112.0, card_height: 32.0, roomy: false }
        } else {
            Self { count, width: 1400.0, height: 900.0, card_width: 104.0, card_height: 32.0, roomy: false }
        }
    }

    /// The middle of the card of a node, the first at the top, then clockwise.
    #[must_use]
    pub fn place(&self, index: usize) -> Point {
        let middle = Point { x: self.width / 2.0, y: self.height / 2.0 };
        if self.count <= 1 {
            return middle;
        }
        // Two nodes stand beside each other: one above the other would waste the width.
        let start = if self.count == 2 { -2.0 * FRAC_PI_2 } else { -FRAC_PI_2 };
        let angle = start + TAU * as_length(index) / as_length(self.count);
        let radius_x = (self.width - self.card_width) / 2.0 - 8.0;
        let radius_y = (self.height - self.card_height) / 2.0 - 8.0;
        Point { x: middle.x + radius_x * angle.cos(), y: middle.y + radius_y * angle.sin() }
    }

    /// Top and height of what is drawn: three nodes need less room below than four.
    #[must_use]
    pub fn bounds(&self, qdevice: bool) -> (f64, f64) {
        let nodes = (0..self.count).map(|index| self.place(index).y);
        let device = qdevice.then(|| self.qdevice().y);
        let (top, bottom) =
            nodes.chain(device).fold((self.height, 0.0_f64), |(top, bottom), y| (top.min(y), bottom.max(y)));
        let margin = self.card_height / 2.0 + 8.0;
        (top - margin, (bottom - top).max(0.0) + 2.0 * margin)
    }

    /// The QDevice: in the middle, or below it where the only line would run through.
    #[must_use]
    pub fn qdevice(&self) -> Point {
        let y = if self.count <= 2 { self.height * 0.8 } else { self.height / 2.0 };
        Point { x: self.width / 2.0, y }
    }
}

/// The ends of the `index`th of `links` parallel lines between two points.
#[must_use]
pub fn parallel(from: Point, to: Point, index: usize, links: usize) -> (Point, Point) {
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let length = dx.hypot(dy);
    if length < f64::EPSILON {
        return (from, to);
    }
    let off = (as_length(index) - (as_length(links) - 1.0) / 2.0) * LINK_GAP;
    let shift = |point: Point| Point { x: point.x - dy / length * off, y: point.y + dx / length * off };
    (shift(from), shift(to))
}

/// Counts here are far below the 2^52 that an `f64` holds exactly.
#[allow(clippy::cast_precision_loss, reason = "at most a few hundred")]
const fn as_length(count: usize) -> f64 {
    count as f64
}
