// Nodes that the console reaches only through another machine: its key first, then theirs; what fails names its hop.

import { Served } from '../lib/console.mjs'
import { invited } from '../lib/invite.mjs'
import { Nodes } from '../lib/nodes.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { equal } from '../lib/spec.mjs'
import { Wizard } from '../lib/wizard.mjs'

const ADMIN = { name: 'ada', password: 'a long enough sentence' }

export default {
  'through a jump host': async (spec) => {
    const nodes = await Nodes.start(spec, 4)
    const console = await Served.start(spec)
    const admin = await person(spec, console.origin)
    const { t } = admin
    const wizard = new Wizard(admin)
    const [jump] = nodes.members
    // As the jump host sees them: the console itself has no way to these addresses.
    const [second, third, fourth] = nodes.members.slice(1).map((node, index) => ({ ...node, address: `10.0.1.${12 + index}`, port: 22 }))

    await spec.step('the first admin', async () => {
      await invited(admin, await console.firstLink(), ADMIN)
      await admin.seeHeading(t('pages.clusters'))
    })
    await spec.step('a node behind a jump host shows no key yet, and the jump host shows its own', async () => {
      await wizard.begin('behind')
      await wizard.addBehind(second, jump)
      await admin.see(t('wizard.jump_hosts'))
      await admin.see(t('wizard.jump_by', { jump: jump.address }), wizard.row(second))
      await admin.see(jump.fingerprint, wizard.row(jump))
      equal(await wizard.row(second).getByText(second.fingerprint).count(), 0, 'fingerprints of the node before its jump host is pinned')
      await admin.inspect('jump host, key to confirm')
    })
    await spec.step('trying the node first says that the jump host comes first', async () => {
      admin.expect(/status of (4|5)\d\d/)
      await admin.press(wizard.row(second).getByRole('button', { name: t('wizard.try_again') }))
      await admin.see(t.like('codes.problem_jump_key_unknown'), wizard.row(second))
      await admin.see(jump.address, wizard.row(second))
    })
    await spec.step('the jump host is let in, then the node shows its key and is let in too', async () => {
      await wizard.pin(jump)
      await wizard.givePassword(jump)
      await wizard.seeLogIn(jump)
      await wizard.pin(second)
      await wizard.givePassword(second)
      await wizard.seeLogIn(second)
      await admin.inspect('jump host, node let in')
    })
    await spec.step('a dead node behind a living jump host: the jump host cannot reach it', async () => {
      await wizard.addBehind(fourth, jump)
      await admin.see(fourth.fingerprint, wizard.row(fourth))
      await nodes.fault('kill', 'pve4')
      await admin.press(wizard.row(fourth).getByRole('button', { name: t('wizard.key_pin') }))
      await admin.see(t.like('codes.problem_unreachable_behind'), wizard.row(fourth), LONG_PATIENCE)
      await admin.inspect('jump host, node behind is dead')
    })
    await spec.step('a dead jump host: it is the one that is named', async () => {
      await wizard.addBehind(third, jump)
      await wizard.pin(third)
      await nodes.fault('kill', 'pve1')
      await wizard.givePassword(third)
      await admin.see(t.like('codes.problem_jump_unreachable'), wizard.row(third), LONG_PATIENCE)
      await admin.inspect('jump host, dead')
    })
  },
}
