// Power from outside: a BMC is bound to its machine, says on and off, and what it says takes the place of an attestation.

import { ClusterPage } from '../lib/cluster.mjs'
import { demo } from '../lib/console.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { equal } from '../lib/spec.mjs'

const HOW = 'It lies on my desk, without any cord'
const PHONE = { width: 390, height: 844 }

export default {
  power: async (spec) => {
    const console = await demo(spec, { nodes: 1, sick: true })
    const admin = await person(spec, console.origin)
    const { t } = admin
    let cluster
    const machine = (who, name) => who.page.getByRole('main').getByRole('listitem', { name, exact: true })
    await spec.step('a BMC that is not bound switches nothing, and says so', async () => {
      await admin.signIn(console.admin.name, console.admin.password)
      await admin.seeHeading(t('pages.clusters'))
      await admin.page.getByRole('link', { name: 'sick', exact: true }).click()
      await admin.page.waitForURL(/\/clusters\/[0-9a-f-]{36}$/)
      cluster = new ClusterPage(admin, admin.page.url().match(/clusters\/([0-9a-f-]+)/)[1])
      await admin.page.getByRole('link', { name: t('pages.go_power') }).click()
      await admin.seeHeading(t('recover.power_title_of', { name: 'sick' }))
      const first = machine(admin, 'sick1')
      await admin.see(t('recover.power_not_bound'), first, LONG_PATIENCE)
      equal(await admin.button(t('recover.power_do_off'), first).getAttribute('aria-disabled'), 'true', 'power off')
      await admin.inspect('power, not bound')
    })
    await spec.step('both tell the same UUID: it is bound', async () => {
      for (const name of ['sick1', 'sick2']) {
        const one = machine(admin, name)
        await admin.press(admin.button(t('recover.power_bind'), one))
        await admin.see(t('recover.power_bound'), one, LONG_PATIENCE)
        await admin.press(admin.button(t('recover.power_ask'), one))
        await admin.see(t('recover.power_read_on'), one, LONG_PATIENCE)
      }
      await admin.inspect('power, bound and read')
    })
    await spec.step('the entry keeps its password to itself', async () => {
      const one = machine(admin, 'sick2')
      await admin.press(admin.button(t('recover.power_edit'), one))
      const form = one.getByRole('form', { name: t('recover.power_entry') })
      await form.waitFor()
      equal(await form.getByLabel(t('recover.power_password'), { exact: true }).inputValue(), '', 'the field of the password')
      await admin.inspect('power, the entry')
      await admin.press(admin.button(t('recover.power_edit'), one))
    })
    await spec.step('taking the power of a node that the quorum needs says what that does', async () => {
      const one = machine(admin, 'sick2')
      await admin.press(admin.button(t('recover.power_do_off'), one))
      await one.getByRole('form', { name: t('wizard.consent') }).waitFor({ timeout: LONG_PATIENCE })
      await admin.see(t.like('codes.consequence_quorum_goes', { votes: 1, quorum: 2 }), one)
      await admin.see('[console] fence_ipmilan --ip=', one)
      await admin.inspect('power, the plan')
    })
    await spec.step('on a phone, in French', async () => {
      const other = await person(spec, console.origin, { language: 'fr', size: PHONE })
      await other.signIn(console.operator.name, console.operator.password)
      await other.seeHeading(other.t('pages.clusters'))
      await other.goto(`/clusters/${cluster.id}/power`)
      await other.see(other.t('recover.power_bound'), machine(other, 'sick1'), LONG_PATIENCE)
      const wide = await other.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      equal(wide, 0, 'pixels that stick out')
      await other.inspect('power, phone, French')
    })
    await spec.step('a node that dies is proven off by its BMC', async () => {
      await cluster.open()
      await cluster.fault('sick2', 'kill')
      await cluster.seeState({ quorate: false })
      await admin.goto(`/clusters/${cluster.id}/quorum`)
      const dead = machine(admin, 'sick2')
      await admin.press(admin.button(t('recover.power_ask'), dead))
      await admin.see(t('recover.power_proves'), dead, LONG_PATIENCE)
      equal(await dead.getByLabel(t('recover.account', { node: 'sick2' })).count(), 0, 'accounts for what is proven')
      await admin.inspect('recovery, proven by a BMC')
      await admin.fill(t('recover.account', { node: 'sick3' }), HOW)
      await admin.press(admin.button(t('wizard.preview')))
      await admin.page.getByRole('form', { name: t('wizard.consent') }).waitFor({ timeout: LONG_PATIENCE })
      await admin.see(t.like('codes.consequence_read_off', { node: 'sick2' }))
      await admin.see(t.like('codes.consequence_attested_off', { node: 'sick3', how: HOW }))
      await admin.inspect('recovery, plan with a BMC')
    })
  },
}
