// The quieter repairs on real parts: corosync is started again on one node, and a QDevice is taken away. What they left is
// read on the nodes by their own commands.

import { ClusterPage } from '../lib/cluster.mjs'
import { Served } from '../lib/console.mjs'
import { Import } from '../lib/import.mjs'
import { invited } from '../lib/invite.mjs'
import { LONG_PATIENCE, person } from '../lib/person.mjs'
import { RealLab } from '../lib/real.mjs'
import { ensure, equal } from '../lib/spec.mjs'

const NAME = 'annex'
const ADMIN = { name: 'ada', password: 'a long enough sentence' }
const CONF = '/etc/pve/corosync.conf'

export default {
  'corosync restarted and a QDevice removed, real': async (spec) => {
    if (process.getuid() !== 0) return spec.skip('repairs on real parts', 'namespaces need root')
    const lab = new RealLab()
    spec.atEnd(() => lab.reallab('down'))
    await spec.step('two real nodes that are a cluster, and a QDevice that somebody has set up by hand', async () => {
      lab.up(2, '--cluster', NAME)
      const [first] = lab.members
      const key = lab.ssh(first, 'cat /root/.ssh/id_rsa.pub').trim()
      lab.ssh(lab.qnetd, `install -d -m 700 /root/.ssh && echo '${key}' >> /root/.ssh/authorized_keys`)
      lab.ssh(first, `ssh-keyscan -t ed25519 ${lab.qnetd.address} >> /root/.ssh/known_hosts 2>/dev/null`)
      lab.ssh(first, `pvecm qdevice setup ${lab.qnetd.address}`)
    })
    const console = await Served.start(spec, { namespace: lab.namespace })
    const house = await House.open(spec, lab, console)
    await house.takeOver()
    await house.restart()
    await house.removeQdevice()
  },
}

class House {
  static async open(spec, lab, console) {
    const admin = await person(spec, console.origin, { namespace: lab.namespace })
    await invited(admin, await console.firstLink(), ADMIN)
    await admin.seeHeading(admin.t('pages.clusters'))
    return new House(spec, lab, console, admin)
  }

  constructor(spec, lab, console, admin) {
    Object.assign(this, { spec, lab, console, admin })
    ;[this.first, this.second] = lab.members
  }

  async takeOver() {
    const { spec, admin, first, second } = this
    await spec.step('the console takes the cluster over', async () => {
      const work = new Import(admin)
      await work.begin(first)
      await work.letIn(first)
      await work.takeOver([second])
      await work.confirm(second, first.name)
      await work.openCluster()
      this.id = work.cluster
      this.cluster = new ClusterPage(admin, this.id)
      await this.cluster.seeState({ quorate: true, votes: 3, expected: 3 }, LONG_PATIENCE)
    })
  }

  /** Reads the plan, fills what it asks for, and runs it to its end. */
  async planned(place, label, target, reason) {
    const { admin } = this
    const { t } = admin
    await admin.press(admin.button(t('wizard.preview'), place))
    const form = place.getByRole('form', { name: t('wizard.consent') })
    await form.waitFor({ timeout: LONG_PATIENCE })
    await admin.fill(t('wizard.reason'), reason, form)
    await admin.fill(t('wizard.typed_label', { target }), target, form)
    await admin.press(admin.button(label, form))
    await admin.page.waitForURL(/\/operations\/[0-9a-f-]{36}/, { timeout: LONG_PATIENCE })
    await admin.seeDone()
  }

  /** The processes of corosync in a node's own eyes, and when each began: another run is another line. */
  runOf(node) {
    return this.lab.ssh(node, 'ps -o lstart=,pid= -C corosync').trim()
  }

  async restart() {
    const { spec, admin, lab, first, second } = this
    const { t } = admin
    await spec.step('corosync is started again on one node, and nowhere else', async () => {
      const before = [first, second].map((node) => this.runOf(node))
      ensure(before.every((run) => run.length > 0), `corosync runs: ${before}`)
      await this.cluster.open()
      await admin.press(admin.button(new RegExp(`^${second.name}\\b`)).first())
      await admin.page.getByRole('link', { name: t('pages.restart_go') }).click()
      await admin.seeHeading(t('pages.restart_of', { node: second.name }), LONG_PATIENCE)
      await this.planned(admin.page.getByRole('main'), t('pages.restart_run', { node: second.name }), second.name, 'It hangs')
      const after = [first, second].map((node) => this.runOf(node))
      equal(after[0], before[0], `corosync on ${first.name}`)
      ensure(after[1].length > 0 && after[1] !== before[1], `corosync on ${second.name}: ${before[1]}, then ${after[1]}`)
      const seen = lab.quorum(first)
      ensure(/Nodes:\s+2\b/.test(seen) && /Total votes:\s+3\b/.test(seen), seen)
    })
  }

  async removeQdevice() {
    const { spec, admin, lab, console, first, second } = this
    const { t } = admin
    await spec.step('the QDevice is taken away, and the nodes expect two votes', async () => {
      ensure(/device\s*\{/.test(lab.ssh(first, `cat ${CONF}`)), 'the configuration has the device before')
      await admin.goto(`/clusters/${this.id}/build/qdevice`)
      const fold = admin.page.locator('details').filter({ hasText: t('wizard.qdevice_remove_text') })
      await fold.getByText(t('wizard.qdevice_remove'), { exact: true }).click()
      await this.planned(fold, t('wizard.qdevice_remove_run'), NAME, 'Its host is going away')
      for (const node of [first, second]) {
        const told = lab.quorum(node)
        ensure(/Expected votes:\s+2\b/.test(told) && /Total votes:\s+2\b/.test(told), `${node.name}: ${told}`)
        ensure(!/device\s*\{/.test(lab.ssh(node, 'cat /etc/corosync/corosync.conf')), `${node.name} has no device in its file`)
        equal(lab.ssh(node, 'pgrep -x corosync-qdevice || true').trim(), '', `the daemon on ${node.name}`)
      }
    })
    await spec.step('a copy of the database was kept before, and the chain is whole', async () => {
      const copies = lab.ssh(first, 'ls /var/lib/pve-cluster/backup').match(/^console-.*\.sql\.gz$/gm) ?? []
      equal(copies.length, 1, 'copies')
      ensure(console.command('audit', 'verify').startsWith('whole'), 'the chain is whole')
    })
  }
}
