// What `bin/verona` loads: the command line, from any folder, from a checkout or from the installed package.

import { orExplain, runVerona } from './prepare.js'

await orExplain(() => runVerona(process.argv.slice(2)))
