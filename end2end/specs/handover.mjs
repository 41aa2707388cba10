// Two people at one draft: whoever comes second is told who was first and what differs, and loses nothing.

import { Served } from '../lib/console.mjs'
import { invited } from '../lib/invite.mjs'
import { Nodes } from '../lib/nodes.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { ensure } from '../lib/spec.mjs'
import { Wizard } from '../lib/wizard.mjs'

const ADA = { name: 'ada', password: 'a long enough sentence' }
const OLGA = { name: 'olga', password: 'another long sentence' }

export default {
  'two people at one draft': async (spec) => {
    const nodes = await Nodes.start(spec, 2, { speed: 20 })
    const console = await Served.start(spec)
    const ada = await person(spec, console.origin)
    const { t } = ada
    const wizard = new Wizard(ada)
    await invited(ada, await console.firstLink(), ADA)
    await ada.seeHeading(t('pages.clusters'))
    await spec.step('ada brings a draft to its second step', async () => {
      await wizard.begin('shared')
      for (const node of nodes.members) await wizard.addWithPassword(node)
      await wizard.checkAndPass()
      await wizard.next('network')
      await ada.see(t('wizard.links_save'))
    })
    const olga = await person(spec, console.origin)
    await spec.step('olga opens the same page', async () => {
      await invited(olga, console.invite(OLGA.name, 'operator'), OLGA)
      await olga.goto(wizard.path('network'))
      await olga.see(t('wizard.links_save'))
    })
    await spec.step('ada takes one link, and saves', async () => {
      await ada.press(ada.button(t('wizard.links_one')))
      await ada.press(ada.button(t('wizard.links_save')))
      await ada.see(t.like('wizard.links_saved'))
    })
    await spec.step('olga, who still has two, is told by whom and what was changed', async () => {
      // The browser writes every refusal on its console.
      olga.expect(/Failed to load resource/)
      await olga.press(olga.button(t('wizard.links_save')))
      await olga.see(t('wizard.conflict'), olga.page, LONG_PATIENCE)
      await olga.see(t('wizard.conflict_by', { by: ADA.name }))
      await olga.see(/pve2: yours is 10\.0\.2\.12, theirs is nothing/)
      ensure((await olga.page.getByRole('columnheader', { name: /1/ }).count()) > 0, 'her second link is still chosen')
      await olga.inspect('wizard, two people at one draft')
    })
    await spec.step('she saves hers instead, and ada sees who did', async () => {
      await olga.press(olga.button(t('wizard.conflict_mine')))
      await olga.see(t.like('wizard.links_saved'))
      await ada.goto(wizard.path('network'))
      await ada.see(OLGA.name)
    })
    await spec.step('the audit has both decisions with their names', async () => {
      await ada.goto('/audit?code=links_chosen')
      const table = ada.page.getByRole('main').getByRole('table')
      for (const { name } of [ADA, OLGA]) await ada.see(name, table, LONG_PATIENCE)
    })
  },
}
