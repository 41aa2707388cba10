// Real OpenSSH, corosync and corosync-qnetd, with a console that is killed in every step while something is under way.

import { Served } from '../lib/console.mjs'
import { Interrupted } from '../lib/interrupted.mjs'
import { RealLab } from '../lib/real.mjs'

export default {
  'three real nodes, French, the console dying': (spec) => onRealParts(spec, 3, { name: 'salle-3', reason: 'Preuve sur corosync', language: 'fr' }),
  'two real nodes and a QDevice, the console dying': (spec) => onRealParts(spec, 2, { name: 'pair', reason: 'Proof on real qnetd' }, true),
}

async function onRealParts(spec, count, who, withQdevice = false) {
  if (process.getuid() !== 0) return spec.skip('the wizard on real parts', 'namespaces need root')
  const lab = new RealLab()
  spec.atEnd(() => lab.reallab('down'))
  await spec.step(`${count} bare nodes`, () => lab.up(count))
  const console = await Served.start(spec, { namespace: lab.namespace })
  const way = await Interrupted.begin(spec, { lab, console, ...who })
  await way.build({ qnetd: withQdevice ? lab.qnetd.address : undefined })
}
