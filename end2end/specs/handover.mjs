// Two people at one draft: whoever comes second is told who was first and what differs, and loses nothing.

import { demo } from '../lib/console.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { ensure } from '../lib/spec.mjs'
import { Wizard } from '../lib/wizard.mjs'

export default {
  'two people at one draft': async (spec) => {
    const console = await demo(spec, { nodes: 2 })
    const ada = await person(spec, console.origin)
    const { t } = ada
    const wizard = new Wizard(ada)
    await spec.step('one brings a draft to its second step', async () => {
      await ada.signIn(console.operator.name, console.operator.password)
      await ada.seeHeading(t('pages.clusters'))
      await wizard.begin('shared')
      for (const node of console.members) await wizard.addWithPassword(node)
      await wizard.checkAndPass()
      await wizard.next('network')
      await ada.see(t('wizard.links_save'))
    })
    const olga = await person(spec, console.origin)
    await spec.step('another one opens the same page', async () => {
      await olga.signIn(console.admin.name, console.admin.password)
      await olga.seeHeading(t('pages.clusters'))
      await olga.goto(wizard.path('network'))
      await olga.see(t('wizard.links_save'))
    })
    await spec.step('the first takes one link, and saves', async () => {
      await ada.press(ada.button(t('wizard.links_one')))
      await ada.press(ada.button(t('wizard.links_save')))
      await ada.see(t.like('wizard.links_saved'))
    })
    await spec.step('the second, who still has two, is told by whom and what was changed', async () => {
      // The browser writes every refusal on its console.
      olga.expect(/Failed to load resource/)
      await olga.press(olga.button(t('wizard.links_save')))
      await olga.see(t('wizard.conflict'), olga.page, LONG_PATIENCE)
      await olga.see(t('wizard.conflict_by', { by: console.operator.name }))
      await olga.see(/pve2: yours is 10\.0\.2\.12, theirs is nothing/)
      ensure((await olga.page.getByRole('columnheader', { name: /1/ }).count()) > 0, 'her second link is still chosen')
      await olga.inspect('wizard, two people at one draft')
    })
    await spec.step('she saves hers instead, and the first sees who did', async () => {
      await olga.press(olga.button(t('wizard.conflict_mine')))
      await olga.see(t.like('wizard.links_saved'))
      await ada.goto(wizard.path('network'))
      await ada.see(console.admin.name, ada.page.getByRole('main'))
    })
    await spec.step('the audit has both decisions with their names', async () => {
      await ada.goto('/audit?code=links_chosen')
      const table = ada.page.getByRole('main').getByRole('table')
      for (const { name } of [console.operator, console.admin]) await ada.see(name, table, LONG_PATIENCE)
    })
  },
}
