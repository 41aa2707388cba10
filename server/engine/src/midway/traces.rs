//! The evidence of both sides in lines: who says what, by which command, when.

use super::sides::{Ask, Side};
use crate::evidence::asked;
use model::midway::{JoinerSeen, MemberSeen, Scene, Told, ToldWord, Trace, TraceCode};
use model::observation::Fact;
use model::remedy::ContentDigest;

/// Both sides in the order in which a join goes.
pub fn of(sides: &[Side], joiner: &Side, scene: &Scene) -> Vec<Trace> {
    let mut found = Vec::new();
    let key = scene.members.iter().find_map(|member| member.authkey.known());
    for member in &scene.members {
        let Some(side) = sides.iter().find(|side| Some(side.node.id) == member.node) else { continue };
        of_member(&mut Lines { side, own: false, found: &mut found }, scene, member);
    }
    let same = |told: &Told<ContentDigest>| match told {
        Told::Unknown => ToldWord::Unknown,
        Told::Nothing => ToldWord::Nothing,
        Told::Is(_) if key.is_none() => ToldWord::Unknown,
        Told::Is(own) if Some(own) == key => ToldWord::Same,
        Told::Is(_) => ToldWord::Other,
    };
    let word = same(&scene.joiner.authkey);
    of_joiner(&mut Lines { side: joiner, own: true, found: &mut found }, &scene.joiner, word);
    found
}

/// The lines of one machine.
struct Lines<'a> {
    side: &'a Side,
    own: bool,
    found: &'a mut Vec<Trace>,
}

impl Lines<'_> {
    fn push(&mut self, ask: &Ask, about: TraceCode, word: Option<ToldWord>, value: String) {
        let Some((output, seen)) = self.side.answers.get(ask) else { return };
        let at = asked(output.at, output.millis);
        let said = Fact { value, node: seen.node.clone(), command: seen.command.clone(), at };
        self.found.push(Trace { about, word, said, own: self.own });
    }

    fn word(&mut self, ask: &Ask, about: TraceCode, word: ToldWord) {
        self.push(ask, about, Some(word), String::new());
    }

    fn yes_no(&mut self, ask: &Ask, about: TraceCode, told: Option<bool>) {
        let word = match told {
            Some(true) => ToldWord::Yes,
            Some(false) => ToldWord::No,
            None => ToldWord::Unknown,
        };
        self.word(ask, about, word);
    }

    fn text(&mut self, ask: &Ask, about: TraceCode, told: &Told<String>) {
        match told {
            Told::Unknown => self.word(ask, about, ToldWord::Unknown),
            Told::Nothing => self.word(ask, about, ToldWord::Nothing),
            Told::Is(text) => self.push(ask, about, None, text.clone()),
        }
    }
}

fn of_member(lines: &mut Lines<'_>, scene: &Scene, member: &MemberSeen) {
    let listed = match &member.listed {
        Told::Is(addresses) => Told::Is(addresses.join(", ")),
        Told::Nothing => Told::Nothing,
        Told::Unknown => Told::Unknown,
    };
    lines.text(&Ask::ClusterConf, TraceCode::Listed, &listed);
    lines.yes_no(&Ask::Quorum, TraceCode::Quorate, member.quorate);
    lines.yes_no(&Ask::Quorum, TraceCode::InRing, member.in_ring);
    lines.yes_no(&Ask::SharedKeys, TraceCode::RootKey, member.key_shared);
    lines.yes_no(&Ask::Certificate(scene.name.clone()), TraceCode::Certificate, member.certificate);
}

fn of_joiner(lines: &mut Lines<'_>, joiner: &JoinerSeen, authkey: ToldWord) {
    if !joiner.answers {
        let said = Fact {
            value: String::new(),
            node: lines.side.node.label().to_owned(),
            command: String::new(),
            at: jiff::Timestamp::UNIX_EPOCH,
        };
        lines.found.push(Trace { about: TraceCode::Answers, word: Some(ToldWord::No), said, own: true });
        return;
    }
    let name = joiner.name.clone().map_or(Told::Unknown, Told::Is);
    lines.text(&Ask::Hostname, TraceCode::Name, &name);
    lines.text(&Ask::LocalConf, TraceCode::Cluster, &joiner.local);
    lines.word(&Ask::Authkey, TraceCode::Authkey, authkey);
    lines.yes_no(&Ask::Services, TraceCode::Corosync, joiner.corosync);
    lines.yes_no(&Ask::Services, TraceCode::Pmxcfs, joiner.pmxcfs);
    lines.yes_no(&Ask::Quorum, TraceCode::InRing, joiner.in_ring);
    lines.yes_no(&Ask::Writable, TraceCode::Writable, joiner.writable);
    lines.yes_no(&Ask::Database, TraceCode::Database, joiner.config_db);
    let guests = joiner.guests.map_or(Told::Unknown, |count| Told::Is(count.to_string()));
    lines.text(&Ask::Vms, TraceCode::Guests, &guests);
}
