// Five nodes, in French, with a console that is killed in every step while something is under way.

import { Served } from '../lib/console.mjs'
import { Interrupted } from '../lib/interrupted.mjs'
import { Nodes } from '../lib/nodes.mjs'

export default {
  'five nodes, French': async (spec) => {
    // Slower than elsewhere: each step must last long enough to be interrupted.
    const lab = await Nodes.start(spec, 5, { speed: 3 })
    const console = await Served.start(spec)
    const way = await Interrupted.begin(spec, { lab, console, name: 'grande-salle', reason: 'Grappe de la grande salle', language: 'fr' })
    await way.build()
  },
}
