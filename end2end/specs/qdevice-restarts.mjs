// Two nodes and a QDevice, with a console that is killed in every step while something is under way.

import { Served } from '../lib/console.mjs'
import { Interrupted } from '../lib/interrupted.mjs'
import { Nodes } from '../lib/nodes.mjs'

/** What the simulated nodes call the QDevice's host, which is not how the console reaches it. */
const QNETD = '10.0.1.50'

export default {
  'two nodes and a QDevice, the console dying': async (spec) => {
    const lab = await Nodes.start(spec, 2, { speed: 3 })
    const console = await Served.start(spec)
    const way = await Interrupted.begin(spec, { lab, console, name: 'pair', reason: 'A small branch office' })
    await way.build({ qnetd: QNETD })
  },
}
