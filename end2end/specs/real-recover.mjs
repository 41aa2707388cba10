// The headline on real parts: real BMCs take power away and prove it, real corosync loses its quorum, one asks, another
// agrees, `pvecm expected` runs, and the votes rise when the machines have power again.

import { ClusterPage } from '../lib/cluster.mjs'
import { Served } from '../lib/console.mjs'
import { Import } from '../lib/import.mjs'
import { invited } from '../lib/invite.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { RealLab } from '../lib/real.mjs'
import { ensure, equal } from '../lib/spec.mjs'
import { TeamRoom } from '../lib/team.mjs'

const NAME = 'hall'
const PASSWORD = 'a long enough sentence'
const ADMIN = { name: 'ada', password: PASSWORD }
const OPERATOR = { name: 'olga', password: PASSWORD }
const APPROVER = { name: 'ben', password: PASSWORD }

export default {
  'quorum recovered on real corosync': async (spec) => {
    if (process.getuid() !== 0) return spec.skip('recovery on real parts', 'namespaces need root')
    const lab = new RealLab()
    spec.atEnd(() => lab.reallab('down'))
    await spec.step('three real nodes that are a cluster', () => lab.up(3, '--cluster', NAME))
    const console = await Served.start(spec, { namespace: lab.namespace })
    const house = await House.open(spec, lab, console)
    await house.takeOver()
    await house.enterBmcs()
    await house.powerOff()
    await house.loseQuorum()
    await house.lower()
    await house.comeBack()
  },
}

class House {
  static async open(spec, lab, console) {
    const house = new House(spec, lab, console)
    house.admin = await house.newcomer(ADMIN, await console.firstLink())
    house.operator = await house.newcomer(OPERATOR, console.invite('operator', OPERATOR.name))
    house.approver = await house.newcomer(APPROVER, console.invite('approver', APPROVER.name))
    return house
  }

  constructor(spec, lab, console) {
    Object.assign(this, { spec, lab, console })
    ;[this.first, this.second, this.third] = lab.members
  }

  async newcomer(who, link) {
    const one = await person(this.spec, this.console.origin, { namespace: this.lab.namespace })
    await invited(one, link, who)
    await one.seeHeading(one.t('pages.clusters'))
    return one
  }

  machine(who, node) {
    return who.page.getByRole('main').getByRole('listitem', { name: node.name, exact: true })
  }

  async takeOver() {
    const { spec, admin, first, second, third } = this
    await spec.step('the console takes the cluster over', async () => {
      const work = new Import(admin)
      await work.begin(first)
      await work.letIn(first)
      await work.takeOver([second, third])
      for (const node of [second, third]) await work.confirm(node, first.name)
      await work.openCluster()
      this.id = work.cluster
      await new ClusterPage(admin, this.id).seeState({ quorate: true, votes: 3, expected: 3 }, LONG_PATIENCE)
    })
  }

  async enterBmcs() {
    const { spec, admin } = this
    const { t } = admin
    await spec.step('a BMC is entered with a wrong password: it says nothing, and is not bound', async () => {
      // The browser writes every refusal on its console.
      admin.expect(/Failed to load resource/)
      // An open tab is not enough for it.
      await admin.signInAgain(ADMIN.name, ADMIN.password)
      await admin.goto(`/clusters/${this.id}/power`)
      await this.enter(this.second, 'not-the-password')
      await admin.press(admin.button(t('recover.power_bind'), this.machine(admin, this.second)))
      await admin.see(t.like('codes.problem_bmc_refused'), this.machine(admin, this.second), LONG_PATIENCE)
    })
    await spec.step('real BMCs are entered, bound by the UUID of their machines, and say on', async () => {
      await admin.goto(`/clusters/${this.id}/power`)
      for (const node of [this.second, this.third]) {
        const one = this.machine(admin, node)
        await this.enter(node, node.bmc.password)
        await admin.press(admin.button(t('recover.power_bind'), one))
        await admin.see(t('recover.power_bound'), one, LONG_PATIENCE)
        await admin.see(node.uuid, one)
        await admin.press(admin.button(t('recover.power_ask'), one))
        await admin.see(t('recover.power_read_on'), one, LONG_PATIENCE)
      }
    })
  }

  async enter(node, password) {
    const { admin } = this
    const { t } = admin
    const one = this.machine(admin, node)
    const open = one.getByRole('button', { name: new RegExp(`^(${t('recover.power_enter')}|${t('recover.power_edit')})$`) })
    await admin.press(open)
    const form = one.getByRole('form', { name: t('recover.power_entry') })
    await admin.fill(t('recover.power_host'), node.bmc.address, form)
    await admin.fill(t('recover.power_port'), String(node.bmc.port), form)
    await admin.fill(t('recover.power_user'), node.bmc.user, form)
    await admin.fill(t('recover.power_password'), password, form)
    await admin.press(admin.button(t('recover.power_save'), form))
    await admin.seeGone(form)
  }

  /** Fills the question of a plan, sends it to somebody else, who agrees, and runs it. */
  async agreedAndRun(target, reason, comment) {
    const { operator, approver } = this
    const { t } = operator
    const form = operator.page.getByRole('form', { name: t('wizard.consent') })
    await form.waitFor({ timeout: LONG_PATIENCE })
    await operator.fill(t('wizard.reason'), reason, form)
    await operator.fill(t('wizard.typed_label', { target }), target, form)
    await operator.press(operator.button(t('wizard.ask'), form))
    await operator.page.waitForURL(/\/approvals\/[0-9a-f-]{36}/, { timeout: LONG_PATIENCE })
    const [mine, theirs] = [new TeamRoom(operator), new TeamRoom(approver)]
    await theirs.openFirst()
    await theirs.write(comment)
    await theirs.do('approve')
    await theirs.seeState('approved')
    await mine.seeState('approved')
    await mine.do('run_now')
    await operator.page.waitForURL(/\/operations\/[0-9a-f-]{36}/, { timeout: LONG_PATIENCE })
    await operator.seeDone()
  }

  async powerOff() {
    const { spec, operator, lab, third } = this
    const { t } = operator
    await spec.step('its BMC takes the power of a node, after somebody else agreed', async () => {
      equal(lab.runs(third), true, `${third.name} runs before`)
      await operator.goto(`/clusters/${this.id}/power`)
      await operator.press(operator.button(t('recover.power_do_off'), this.machine(operator, third)))
      await this.agreedAndRun(third.name, 'Its disks are on fire', 'I smell it')
      equal(lab.runs(third), false, `${third.name} runs afterwards`)
    })
    await spec.step('the cluster goes on with two', async () => {
      const cluster = new ClusterPage(operator, this.id)
      await cluster.open()
      await cluster.seeState({ quorate: true, votes: 2, expected: 3 })
      await cluster.seeNode(third.name, 'absent')
    })
  }

  async loseQuorum() {
    const { spec, operator, lab, first, second } = this
    await spec.step('a second node dies, and with it the quorum', async () => {
      lab.reallab('kill', second.name)
      const cluster = new ClusterPage(operator, this.id)
      await cluster.seeState({ quorate: false }, LONG_PATIENCE)
      ensure(/Quorate:\s+No/.test(lab.quorum(first)), lab.quorum(first))
    })
  }

  async lower() {
    const { spec, operator, lab, first } = this
    const { t } = operator
    await spec.step('both absent nodes are proven off by their BMCs: nobody has to attest anything', async () => {
      await operator.page.getByRole('link', { name: t('recover.go') }).click()
      await operator.seeHeading(t('recover.title_of', { name: NAME }), LONG_PATIENCE)
      // Taking its power away has read the third's already; of the second nobody has asked since it died.
      const [dead, off] = [this.second, this.third].map((node) => this.machine(operator, node))
      await operator.see(t('recover.power_proves'), off, LONG_PATIENCE)
      await operator.press(operator.button(t('recover.power_ask'), dead))
      await operator.see(t('recover.power_proves'), dead, LONG_PATIENCE)
    })
    await spec.step('pvecm expected runs on real corosync', async () => {
      await operator.press(operator.button(t('wizard.preview')))
      await operator.see('pvecm expected 1', operator.page, LONG_PATIENCE)
      await this.agreedAndRun(`expected 1 on ${NAME}`, 'The hall burns', 'I see it')
      const said = lab.quorum(first)
      ensure(/Quorate:\s+Yes/.test(said) && /Expected votes:\s+1\b/.test(said), said)
      // pmxcfs hears of the quorum a moment after corosync knows it.
      lab.ssh(first, `timeout 15 sh -c 'until touch /etc/pve/written-alone 2>/dev/null; do sleep 0.2; done' && rm /etc/pve/written-alone`)
    })
  }

  async comeBack() {
    const { spec, operator, lab, first, second, third } = this
    const { t } = operator
    await spec.step('who ran it, and that the votes are lowered still', async () => {
      await operator.goto('/audit/expected')
      const answer = operator.page.getByRole('main')
      for (const part of ['The hall burns', 'I see it', APPROVER.name]) await operator.see(part, answer, LONG_PATIENCE)
      await operator.see(t.like('codes.consequence_read_off', { node: third.name }), answer)
      await operator.see(t.like('team.lowered_still'), answer)
      await operator.inspect('who ran expected, real')
    })
    await spec.step('with power the others come back, and corosync raises the votes', async () => {
      lab.reallab('start', second.name)
      lab.reallab('start', third.name)
      const cluster = new ClusterPage(operator, this.id)
      await cluster.open()
      await cluster.seeState({ quorate: true, votes: 3, expected: 3 }, LONG_PATIENCE)
      ensure(/Expected votes:\s+3\b/.test(lab.quorum(first)), lab.quorum(first))
      await operator.goto('/audit?code=expected_restored')
      await operator.see(t('codes.audit_expected_restored'), operator.page.getByRole('main').getByRole('table'), LONG_PATIENCE)
    })
    await spec.step('no password of a BMC stands in the audit or the logs', async () => {
      const secret = second.bmc.password
      ensure(!this.console.command('audit', 'export').includes(secret), 'the audit')
      ensure(!this.console.program.lines.join('\n').includes(secret), 'the log')
    })
  }
}
