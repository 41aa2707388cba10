// Two people and a policy: what one asks for another approves, rejects or stops, also on a phone and in French.

import { demo } from '../lib/console.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { ensure, equal } from '../lib/spec.mjs'
import { TeamRoom } from '../lib/team.mjs'
import { Wizard } from '../lib/wizard.mjs'

const NAME = 'guarded'
const PHONE = { width: 390, height: 844 }

export default {
  approvals: async (spec) => {
    const console = await demo(spec, { nodes: 2 })
    const operator = await person(spec, console.origin)
    const wizard = new Wizard(operator)
    const mine = new TeamRoom(operator)
    const { t } = operator

    await spec.step('a cluster of one node, with another one that is to join', async () => {
      await operator.signIn(console.operator.name, console.operator.password)
      await operator.seeHeading(t('pages.clusters'))
      await wizard.begin(NAME)
      for (const node of console.members) await wizard.addWithPassword(node)
      await wizard.checkAndPass()
      await wizard.next('network')
      await wizard.takeLinks()
      await wizard.next('create')
      await wizard.create(NAME, 'The first node')
    })
    await spec.step('an admin protects it', async () => {
      const admin = await person(spec, console.origin)
      await admin.signIn(console.admin.name, console.admin.password)
      await admin.seeHeading(t('pages.clusters'))
      const room = new TeamRoom(admin)
      await room.protect(wizard.cluster, 'Guests will run here')
      await admin.inspect('policy')
    })
    await spec.step('now the plan asks for somebody else', async () => {
      await ask(wizard, 'A second node')
      await operator.see(t('team.own_waiting'))
      await operator.see(t('team.nothing_changed'))
      equal(await operator.button(t('team.approve')).count(), 0, 'buttons to approve one’s own')
      await operator.inspect('request, one’s own')
    })
    const approver = await person(spec, console.origin, { size: PHONE })
    const theirs = new TeamRoom(approver)
    await spec.step('the other sees it on the phone and rejects it with a word', async () => {
      await approver.signIn(console.approver.name, console.approver.password)
      await approver.seeHeading(t('pages.clusters'))
      await theirs.openFirst()
      await approver.see('A second node')
      await approver.see(t('team.nothing_changed'))
      const wide = await approver.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      ensure(wide <= 0, `the page is ${wide} px wider than the phone`)
      await approver.inspect('request, on a phone')
      await theirs.write('Not before the backup')
      await theirs.do('reject')
      await theirs.seeState('rejected')
    })
    await spec.step('who asked sees why, without a reload', async () => {
      await mine.seeState('rejected')
      await operator.see('Not before the backup')
    })
    await spec.step('an approver alone is seen by everybody, and stopped', async () => {
      const alone = new Wizard(approver)
      alone.cluster = wizard.cluster
      await ask(alone, 'At night, alone')
      await approver.page.getByText(t('team.nobody_awake')).click()
      await theirs.do('break_glass')
      await theirs.seeState('counting')
      await operator.goto('/')
      const go = operator.page.getByRole('link', { name: t('common.countdown_go') })
      await go.waitFor({ timeout: LONG_PATIENCE })
      await operator.inspect('clusters, with a countdown')
      await go.click()
      await mine.do('stop')
      await mine.seeState('stopped')
      await theirs.seeState('stopped')
    })
    await spec.step('asked once more, approved in French', async () => {
      await ask(wizard, 'After the backup')
      const french = await person(spec, console.origin, { language: 'fr' })
      await french.signIn(console.approver.name, console.approver.password)
      await french.seeHeading(french.t('pages.clusters'))
      const room = new TeamRoom(french)
      const counted = french.page.getByRole('link', { name: french.t('common.waiting_for_you', { count: 1 }) })
      await counted.waitFor({ timeout: LONG_PATIENCE })
      await room.openFirst()
      await french.inspect('request, French')
      await room.write('La sauvegarde est faite')
      await room.do('approve')
      await room.seeState('approved')
    })
    await spec.step('it runs once, and the operation says who agreed', async () => {
      await mine.seeState('approved')
      await operator.see('La sauvegarde est faite')
      await operator.inspect('request, approved')
      const request = operator.page.url()
      await mine.do('run_now')
      await operator.page.waitForURL(/\/operations\/[0-9a-f-]{36}/, { timeout: LONG_PATIENCE })
      await operator.seeDone()
      await operator.see(t('pages.agreed_by'))
      await operator.inspect('operation, agreed')
      await operator.goto(request)
      await mine.seeState('used')
      equal(await operator.button(t('team.run_now')).count(), 0, 'buttons to run it again')
    })
    await spec.step('the list and the audit have all of it', async () => {
      await operator.goto('/approvals')
      await operator.see(t('team.past_requests'))
      await operator.inspect('approvals')
      for (const code of ['approval_requested', 'approval_rejected', 'glass_broken', 'glass_stopped', 'approval_given', 'approval_used', 'policy_changed']) {
        await operator.goto(`/audit?code=${code}`)
        await operator.see(t(`codes.audit_${code}`), operator.page.getByRole('main').getByRole('table'), LONG_PATIENCE)
      }
    })
  },
}

/** On the step of the joins: reads the plan, says why, and asks for the approval. */
async function ask(wizard, reason) {
  const { person, t } = wizard
  await person.goto(wizard.path('join'))
  await wizard.agree('wizard.ask', NAME, reason)
  await person.page.waitForURL(/\/approvals\/[0-9a-f-]{36}/, { timeout: LONG_PATIENCE })
  await person.seeHeading(t('team.decision'))
}
