//! Two people in a house: one asks, the other agrees.

use crate::fence::held;
use crate::house::{House, anna};
use engine::audit::Person;
use engine::ports::{StoreError, StoredUser, UserStore};
use engine::propose::Proposal;
use jiff::Timestamp;
use model::approval::RequestState;
use model::audit::AuditCode;
use model::ids::{OperationId, UserId};
use model::plan::Intent;
use model::policy::Consent;
use model::problem::Problem;
use model::role::{Access, Role};
use uuid::Uuid;

impl House {
    /// Everybody who is absent is written off by anna.
    pub async fn expected_intent(&self) -> Intent {
        let seen = self.engine().recovery(self.cluster).await.expect("somebody answers");
        let accounts: Vec<(String, String)> =
            seen.absent.iter().map(|node| (node.name.clone(), "both power cords are pulled".to_owned())).collect();
        Intent::SetExpected {
            through: seen.through,
            votes: seen.votes(),
            members: seen.members.clone(),
            written_off: seen.write_off(&accounts, "anna").expect("all are attested"),
        }
    }

    /// anna, who asks, and olga, who agrees.
    pub async fn two_people(&self) {
        for (name, role) in [("anna", Role::Operator), ("olga", Role::Approver)] {
            self.person(name, role).await;
        }
    }

    /// Somebody with an account; made once.
    pub async fn person(&self, name: &str, role: Role) {
        let user = StoredUser {
            id: UserId::from_uuid(Uuid::now_v7()),
            name: name.into(),
            password_hash: Some("$argon2id$".into()),
            access: Access::everywhere(role),
            disabled: false,
            created_at: Timestamp::now(),
            last_sign_in: None,
            failures: 0,
            locked_until: None,
            second_factor: false,
        };
        match held(self.raw().add_user(&user, self.entry(AuditCode::UserCreated))).await {
            // They are there since the last plan.
            Ok(()) | Err(StoreError::Conflict { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// What the policy does not let one person start alone.
    pub async fn start_agreed(
        &self,
        intent: &Intent,
        proposal: &Proposal,
        consent: &Consent,
    ) -> Result<OperationId, Problem> {
        self.two_people().await;
        let (engine, olga) = (self.engine(), Person { name: "olga".into() });
        let request = engine.ask(&anna(), self.cluster, intent, proposal.digest.as_str(), consent, true).await?;
        // The same question again is the same request; she may have agreed before a crash.
        if engine.request(request).await?.state == RequestState::Waiting {
            engine.approve(&olga, request, "I see it too", true).await?;
        }
        engine.run_agreed(&anna(), request, true).await
    }
}
