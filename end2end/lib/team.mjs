// Requests, approvals and the policy, as people use them.

import { LONG_PATIENCE } from './person.mjs'

export class TeamRoom {
  constructor(person) {
    this.person = person
    this.page = person.page
    this.t = person.t
  }

  /** Opens the first open request of the list. */
  async openFirst() {
    const { person, t } = this
    await person.goto('/approvals')
    await person.seeHeading(t('team.approvals'))
    const table = this.page.getByRole('table', { name: t('team.approvals') }).first()
    await table.getByRole('link').first().click()
    await this.page.waitForURL(/\/approvals\/[0-9a-f-]{36}/)
    await person.seeHeading(t('team.decision'))
  }

  /** The badge of the request, which follows what others do. */
  async seeState(state) {
    const badge = new RegExp(`^\\W*${this.t(`codes.request_${state}`)}$`)
    await this.person.see(badge, this.page.getByRole('main'), LONG_PATIENCE)
  }

  async write(comment) {
    await this.person.fill(this.t('team.comment'), comment)
  }

  async do(what) {
    await this.person.press(this.person.button(this.t(`team.${what}`)))
  }

  async protect(cluster, reason) {
    const { person, t } = this
    await person.goto(`/clusters/${cluster}/policy`)
    await person.seeHeading(t.like('team.policy_of'))
    const box = this.page.getByLabel(t('team.protected_label'), { exact: true })
    await person.awake(box, 'change')
    await box.check()
    await person.fill(t('pages.reason'), reason)
    await this.do('policy_set')
    await person.see(t('team.policy_done'))
  }
}
