// A cluster that has lost its quorum: one asks, another agrees, the votes are lowered, and years later it is found who did it.

import { ClusterPage } from '../lib/cluster.mjs'
import { demo } from '../lib/console.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { ensure, equal } from '../lib/spec.mjs'
import { TeamRoom } from '../lib/team.mjs'

const TARGET = 'expected 1 on sick'
const HOW = 'Both power cords are pulled, I stand in front of it'

export default {
  recover: async (spec) => {
    const console = await demo(spec, { nodes: 1, sick: true })
    const operator = await person(spec, console.origin)
    const { t } = operator
    let cluster
    await spec.step('a cluster with quorum is told why not', async () => {
      await operator.signIn(console.operator.name, console.operator.password)
      await operator.seeHeading(t('pages.clusters'))
      await operator.page.getByRole('link', { name: 'sick', exact: true }).click()
      await operator.page.waitForURL(/\/clusters\/[0-9a-f-]{36}$/)
      cluster = new ClusterPage(operator, operator.page.url().match(/clusters\/([0-9a-f-]+)/)[1])
      await cluster.seeState({ quorate: true })
      await operator.goto(`/clusters/${cluster.id}/quorum`)
      await operator.see(t('recover.quorate'), operator.page, LONG_PATIENCE)
      equal(await operator.button(t('wizard.preview')).count(), 0, 'buttons to lower anything')
    })
    await spec.step('a second node dies, and with it the quorum', async () => {
      await cluster.open()
      await cluster.fault('sick2', 'kill')
      await cluster.seeState({ quorate: false })
      await operator.inspect('cluster without quorum')
      await operator.page.getByRole('link', { name: t('recover.go') }).click()
      await operator.seeHeading(t('recover.title_of', { name: 'sick' }))
    })
    await spec.step('a look that is a minute old is not what is now: it says so, and how to look again', async () => {
      const late = await person(spec, console.origin)
      await late.signIn(console.operator.name, console.operator.password)
      await late.seeHeading(t('pages.clusters'))
      // This browser's own clock goes ahead; nobody waits a minute for it.
      await late.page.clock.install()
      await late.goto(`/clusters/${cluster.id}/quorum`)
      await late.see(t('recover.account_missing', { node: 'sick2', min: 10 }), late.page, LONG_PATIENCE)
      await late.page.clock.fastForward(90_000)
      await late.see(t('common.too_old'))
      await late.see(t('recover.look_first'))
      equal(await late.button(t('recover.look_again')).count(), 2, 'buttons that look again, one beside the plan')
      await late.inspect('recovery, an old look')
    })
    await spec.step('gentler ways first; each absent node was knocked at, and needs an account', async () => {
      await operator.see(t('recover.gentler'), operator.page, LONG_PATIENCE)
      await operator.see(t.like('codes.gentler_start_node', { nodes: 'sick2, sick3' }))
      await operator.see(t('recover.silent'))
      await operator.inspect('recovery, silent nodes')
      const preview = operator.button(t('wizard.preview'))
      equal(await preview.getAttribute('aria-disabled'), 'true', 'the plan without an account')
      for (const node of ['sick2', 'sick3']) await operator.fill(t('recover.account', { node }), HOW)
    })
    await spec.step('the plan says what it does, and asks for somebody else', async () => {
      await operator.press(operator.button(t('wizard.preview')))
      const form = operator.page.getByRole('form', { name: t('wizard.consent') })
      await form.waitFor({ timeout: LONG_PATIENCE })
      await operator.see('pvecm expected 1')
      await operator.inspect('recovery, plan')
      await operator.fill(t('wizard.reason'), 'The rack burns', form)
      await operator.fill(t('wizard.typed_label', { target: TARGET }), TARGET, form)
      await operator.press(operator.button(t('wizard.ask'), form))
      await operator.page.waitForURL(/\/approvals\/[0-9a-f-]{36}/, { timeout: LONG_PATIENCE })
    })
    const mine = new TeamRoom(operator)
    await spec.step('another person agrees', async () => {
      const approver = await person(spec, console.origin)
      await approver.signIn(console.approver.name, console.approver.password)
      await approver.seeHeading(t('pages.clusters'))
      const theirs = new TeamRoom(approver)
      await theirs.openFirst()
      await approver.see('pvecm expected 1')
      await approver.see(t.like('codes.consequence_attested_off', { node: 'sick2', by: console.operator.name, how: HOW }))
      await approver.inspect('request to lower the votes')
      await theirs.write('I see the smoke')
      await theirs.do('approve')
      await theirs.seeState('approved')
    })
    await spec.step('it runs, and the cluster says that its votes are lowered', async () => {
      await mine.seeState('approved')
      await mine.do('run_now')
      await operator.page.waitForURL(/\/operations\/[0-9a-f-]{36}/, { timeout: LONG_PATIENCE })
      await operator.seeDone()
      await cluster.open()
      await cluster.seeState({ quorate: true, votes: 1, expected: 1 })
      await operator.see(t('recover.lowered', { expected: 1, configured: 3 }))
      await operator.inspect('cluster with lowered votes')
    })
    await spec.step('who ran it is one click away', async () => {
      await operator.goto('/audit')
      await operator.page.getByRole('link', { name: t('pages.question_expected') }).click()
      await operator.seeHeading(t('team.lowered_title'))
      const answer = operator.page.getByRole('main')
      await operator.see(/pvecm expected 1$/, answer, LONG_PATIENCE)
      for (const part of ['The rack burns', 'I see the smoke']) await operator.see(part, answer)
      await operator.see(t.like('codes.consequence_attested_off', { node: 'sick2', by: console.operator.name, how: HOW }), answer)
      await operator.see(t.like('team.lowered_still'), answer)
      await operator.inspect('who ran expected')
      await operator.page.getByRole('link', { name: t('team.lowered_commands') }).click()
      const table = operator.page.getByRole('main').getByRole('table')
      await operator.see(/pvecm expected 1$/, table, LONG_PATIENCE)
      await operator.see('The rack burns', table)
      await operator.inspect('audit, the commands of it')
      await operator.see(t.like('pages.chain_signed'), operator.page, LONG_PATIENCE)
      const [download] = await Promise.all([
        operator.page.waitForEvent('download'),
        operator.page.getByRole('link', { name: t('pages.audit_export_csv') }).click(),
      ])
      ensure(/quorate-audit\.csv/.test(download.suggestedFilename()), download.suggestedFilename())
    })
    await spec.step('when the others return the votes rise again', async () => {
      await cluster.open()
      for (const node of ['sick2', 'sick3']) await cluster.fault(node, 'kill')
      await cluster.seeState({ quorate: true, votes: 3, expected: 3 })
      // The list follows by itself, so it may be opened before the entry is there.
      await operator.goto('/audit?code=expected_restored')
      await operator.see(t('codes.audit_expected_restored'), operator.page.getByRole('main').getByRole('table'), LONG_PATIENCE)
    })
  },
}
