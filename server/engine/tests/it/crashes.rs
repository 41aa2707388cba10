//! The console dies at every write of its journal, on either side of it, and at any other moment.
//!
//! Whatever it was doing: started again on the same file it ends what it began, and nothing runs twice.

use crate::fence::{Side, held};
use crate::house::{House, OVER_WITHIN};
use crate::look;
use crate::works::Work;
use engine::ports::OperationStore;
use model::ids::OperationId;
use model::plan::Intent;
use std::time::Duration;
use tokio::time::timeout;

impl Work {
    /// Runs it without a crash: how often the journal is written, and how long it takes on the nodes.
    async fn measure(self) -> (u64, Duration) {
        let house = self.house().await;
        let (writes, began) = (house.console.fence.journal_writes(), tokio::time::Instant::now());
        house.done(&self.intent(&house).await).await;
        self.check(&house);
        (house.console.fence.journal_writes() - writes, began.elapsed())
    }

    async fn dies_at_write(self, write: u64, side: Side) {
        let mut house = self.house().await;
        house.arm((write, side)).await;
        let intent = self.intent(&house).await;
        let started = tokio::select! {
            biased;
            started = house.start(&intent) => Some(started.expect("the plan starts")),
            () = house.console.fence.death() => None,
        };
        let Some(id) = started else { return self.asked_again(&mut house, &intent).await };
        timeout(OVER_WITHIN, house.console.fence.death()).await.expect("the journal is written that often");
        self.ends_well(&mut house, id).await;
    }

    /// It died while somebody asked, agreed, or started it, and nobody was told: then it runs, or it is asked for again.
    async fn asked_again(self, house: &mut House, intent: &Intent) {
        let resumed = house.restart().await;
        let known = held(house.raw().operations(Some(house.cluster), 1)).await.expect("operations");
        let begun = known.into_iter().find(|one| one.plan.intent.word() == intent.word() && one.state.holds_cluster());
        assert_eq!(resumed, usize::from(begun.is_some()), "what was not started is not taken up");
        let operation = match begun {
            Some(operation) => house.ended(operation.id).await,
            None => house.run(intent).await,
        };
        look::is_done(house, &operation).await;
        look::audit_is_whole(house).await;
        self.check(house);
    }

    async fn dies_after(self, span: Duration) {
        let mut house = self.house().await;
        let intent = self.intent(&house).await;
        let id = house.start(&intent).await.expect("the plan starts");
        tokio::time::sleep(span).await;
        self.ends_well(&mut house, id).await;
    }

    /// Dies at points in time spread evenly at random over the work; the seed says which.
    async fn dies_at_random(self, seed: u64, points: u32) {
        let (_, whole) = self.measure().await;
        let mut state = seed;
        for point in 1..=points {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let span = whole.mul_f64(f64::from(u32::try_from(state >> 32).expect("32 bits")) / f64::from(u32::MAX));
            eprintln!("{self:?}: point {point} of seed {seed} dies after {span:?} of {whole:?}");
            self.dies_after(span).await;
        }
    }

    async fn ends_well(self, house: &mut House, id: OperationId) {
        let left = house.operation(id).await;
        let resumed = house.restart().await;
        assert_eq!(resumed, usize::from(left.state.holds_cluster()));
        let operation = house.ended(id).await;
        look::is_done(house, &operation).await;
        look::audit_is_whole(house).await;
        self.check(house);
    }
}

/// Every journal write of some work, both sides; `part` of `parts` of them, so that they run next to each other.
pub async fn every_write(work: Work, part: u64, parts: u64) {
    let (writes, _) = work.measure().await;
    assert!(writes >= 2 * parts, "{work:?} wrote its journal {writes} times only");
    for write in (1..=writes).filter(|write| write % parts == part) {
        for side in [Side::Before, Side::After] {
            eprintln!("{work:?}: dies {side:?} write {write} of {writes}");
            work.dies_at_write(write, side).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn at_every_write_while_creating() {
    every_write(Work::Create, 0, 1).await;
}

#[tokio::test(start_paused = true)]
async fn at_every_even_write_while_joining() {
    every_write(Work::Join, 0, 2).await;
}

#[tokio::test(start_paused = true)]
async fn at_every_odd_write_while_joining() {
    every_write(Work::Join, 1, 2).await;
}

#[tokio::test(start_paused = true)]
async fn at_every_write_while_setting_up_the_qdevice() {
    every_write(Work::Qdevice, 0, 1).await;
}

#[tokio::test(start_paused = true)]
async fn at_every_write_while_setting_up_the_qdevice_of_an_odd_cluster() {
    every_write(Work::QdeviceOdd, 0, 1).await;
}

#[tokio::test(start_paused = true)]
async fn at_every_write_while_installing_the_qdevices_packages() {
    every_write(Work::QdevicePackages, 0, 1).await;
}

#[tokio::test(start_paused = true)]
async fn at_every_write_while_certificates_of_another_qdevice_are_set_aside() {
    every_write(Work::QdeviceLeftovers, 0, 1).await;
}

#[tokio::test(start_paused = true)]
async fn at_every_write_while_the_qdevices_daemon_is_started() {
    every_write(Work::StartQdevice, 0, 1).await;
}

#[tokio::test(start_paused = true)]
async fn at_every_write_while_removing_the_qdevice() {
    every_write(Work::RemoveQdevice, 0, 1).await;
}

#[tokio::test(start_paused = true)]
async fn at_every_write_while_lowering_the_expected_votes() {
    every_write(Work::Expected, 0, 1).await;
}

#[tokio::test(start_paused = true)]
async fn at_every_write_while_a_power_is_taken_away() {
    every_write(Work::PowerOff, 0, 1).await;
}

#[tokio::test(start_paused = true)]
async fn at_every_write_while_a_power_is_given() {
    every_write(Work::PowerOn, 0, 1).await;
}

#[tokio::test(start_paused = true)]
async fn at_every_write_while_a_power_is_taken_away_and_given() {
    every_write(Work::PowerCycle, 0, 1).await;
}

#[tokio::test(start_paused = true)]
async fn at_any_moment_while_lowering_the_expected_votes() {
    Work::Expected.dies_at_random(4, points()).await;
}

#[tokio::test(start_paused = true)]
async fn at_every_write_while_restarting_corosync() {
    every_write(Work::Restart, 0, 1).await;
}

#[tokio::test(start_paused = true)]
async fn at_any_moment_while_restarting_corosync() {
    Work::Restart.dies_at_random(5, points()).await;
}

#[tokio::test(start_paused = true)]
async fn at_any_moment_while_joining() {
    Work::Join.dies_at_random(1, points()).await;
}

#[tokio::test(start_paused = true)]
async fn at_any_other_moment_while_joining() {
    Work::Join.dies_at_random(2, points()).await;
}

#[tokio::test(start_paused = true)]
async fn at_any_moment_while_setting_up_the_qdevice() {
    Work::Qdevice.dies_at_random(3, points()).await;
}

/// Points per seed; many more where there is time.
fn points() -> u32 {
    if std::env::var_os("QUORATE_LONG_TESTS").is_some() { 100 } else { 20 }
}
